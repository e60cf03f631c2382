"""Streams of other codecs than the usual ones: the page plays them, or says that it cannot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.clips import film_file
from tests.interop.browser import play_on, wait_until_it_plays
from tests.server import RunningServer, wait_until

pytestmark = pytest.mark.interop

RATE = 25
FILMS = ("av1-opus", "audio-only", "h265-aac")
CANNOT = "This browser cannot play this stream"
H265_MAIN = """() => MediaSource.isTypeSupported('video/mp4; codecs="hvc1.1.6.L93.B0"')"""


@pytest.fixture(scope="module")
def streams(
    server: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Films on air, again and again: the stream's name of each."""
    folder = tmp_path_factory.mktemp("codecs")
    names = {film: f"live/{film}" for film in FILMS}
    with ExitStack() as stack:
        for film, name in names.items():
            publishing(stack, film_file(folder, film), server.publish_url(name))
        wait_until(lambda: all(map(server.stream, names.values())), "all of them")
        yield names


def publishing(stack: ExitStack, film: Path, url: str) -> None:
    """Debian's FFmpeg cannot publish these codecs."""
    command = [sys.executable, "-m", "slipstream", "publish", str(film), url, "--loop"]
    process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    stack.callback(process.terminate)


@pytest.mark.parametrize("way", ["ll-hls", "dash"])
@pytest.mark.parametrize("film", ["av1-opus", "audio-only"])
def test_new_codecs_and_sound_alone_play(
    page: Page, streams: dict[str, str], film: str, way: str
) -> None:
    page.goto(f"watch/{streams[film]}?way={way}")
    wait_until_it_plays(page, way)
    assert play_on(page, 1, 0 if film == "audio-only" else RATE).way == way


def test_what_the_player_of_flv_cannot_show_goes_another_way_by_itself(
    page: Page, streams: dict[str, str]
) -> None:
    page.goto(f"watch/{streams['av1-opus']}")
    wait_until_it_plays(page, "ll-hls")


def test_who_cannot_decode_a_stream_is_told_so_and_fetches_no_more_than_its_picture(
    page: Page, streams: dict[str, str]
) -> None:
    name = streams["h265-aac"]
    assert not page.evaluate(H265_MAIN)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.goto(f"watch/{name}")
    expect(page.get_by_text(CANNOT)).to_be_visible()
    expect(page.get_by_text("It is H.265")).to_be_visible()
    told = f"/page/stream/{name}.json"
    with page.expect_request(f"**{told}"):  # it looks how the stream is, and stays calm
        pass
    expect(page.get_by_text(CANNOT)).to_be_visible()
    known = (told, f"/watch/{name}", f"/{name}.jpg")
    assert not [url for url in asked if name in url and not url.partition("?")[0].endswith(known)]
