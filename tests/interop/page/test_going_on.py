"""Whatever breaks while somebody watches: playback goes on by itself."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.interop.browser import PATIENCE_MS, play_on, publishing, wait_until_it_plays
from tests.interop.clock import RATE
from tests.interop.page.conftest import WAYS, root
from tests.server import RunningServer, running_server, wait_until

pytestmark = pytest.mark.interop

GOING_ON = ("ws-flv", "ll-hls", "dash")  # each with a player of its own
SLATE = """
[apps.live]
slate.source = "card"
slate.after_s = 1
"""

_numbers = count(1)


def new_stream() -> str:
    return f"live/{next(_numbers)}"


@pytest.mark.parametrize("way", WAYS)
def test_playback_goes_on_when_the_publisher_comes_back(
    page: Page, server: RunningServer, film: Path, way: str
) -> None:
    stream = new_stream()
    page.goto(f"watch/{stream}?way={way}")
    for _ in range(2):
        expect(page.get_by_text("Not on air right now")).to_be_visible(timeout=PATIENCE_MS)
        with publishing(film, server.publish_url(stream)):
            wait_until_it_plays(page, way)
            play_on(page, 1, RATE)


def test_playback_goes_on_when_the_connection_breaks(
    page: Page, server: RunningServer, film: Path, tmp_path: Path
) -> None:
    with running_server(tmp_path, settings="[streams]\ngrace_s = 0\n") as hasty:
        page.goto(f"{root(hasty)}watch/live/a")
        for broken in (1, 2):
            with publishing(film, hasty.publish_url("live/a")):
                wait_until_it_plays(page)
                play_on(page, 1, RATE)
            page.wait_for_function(f"() => slipstream.reconnects === {broken}", timeout=PATIENCE_MS)


@pytest.mark.parametrize("way", GOING_ON)
def test_playback_goes_on_when_the_server_was_started_anew(
    page: Page, film: Path, tmp_path: Path, way: str
) -> None:
    at_once = "[server]\nstop_s = 0\n"
    with running_server(tmp_path / "first", settings=at_once) as server:
        page.goto(f"{root(server)}watch/live/a?way={way}")
        with publishing(film, server.publish_url("live/a")):
            wait_until_it_plays(page, way)
    gone = page.get_by_text("The server does not answer")
    expect(gone).to_be_visible(timeout=PATIENCE_MS)
    place = f"{server.host}:{server.http_port}"
    with (
        running_server(tmp_path / "second", "--http", place, settings=at_once) as server,
        publishing(film, server.publish_url("live/a")),
    ):
        wait_until_it_plays(page, way)
        play_on(page, 1, RATE)


@pytest.mark.parametrize("way", GOING_ON)
def test_playback_goes_on_through_a_slate_and_with_another_encoder(
    page: Page, film: Path, tmp_path: Path, way: str
) -> None:
    with running_server(tmp_path, settings=SLATE) as server:
        url = server.publish_url("live/a")
        page.goto(f"{root(server)}watch/live/a?way={way}")
        with publishing(film, url):
            wait_until_it_plays(page, way)
            play_on(page, 1, RATE)
        wait_until(lambda: is_on_slate(server), "the slate")
        wait_until_it_plays(page, way)
        play_on(page, 1, RATE)
        with publishing(film, url):
            wait_until(lambda: not is_on_slate(server), "the publisher")
            wait_until_it_plays(page, way)
            play_on(page, 1, RATE)
            with publishing(film, url):  # takes over
                wait_until_it_plays(page, way)
                play_on(page, 2, RATE)


def is_on_slate(server: RunningServer) -> bool:
    report = server.stream("live/a")
    return bool(report) and report["state"] == "slate"


def test_a_page_that_is_older_than_the_server_is_loaded_again(page: Page, show: str) -> None:
    page.route("**/assets/flv-*.js", lambda route: route.fulfill(status=404), times=1)
    with page.expect_navigation(timeout=PATIENCE_MS) as reload:
        page.goto(f"watch/{show}")
    assert reload.value.ok
    wait_until_it_plays(page)
