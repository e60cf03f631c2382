"""The page, as people see it who open it in a browser."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.interop.browser import (
    PATIENCE_MS,
    chromium,
    figures,
    make_film,
    play_on,
    publishing,
    site,
    wait_until_it_plays,
)
from tests.interop.clock import RATE, READ
from tests.interop.nginx import proxying
from tests.server import RunningServer, running_server

pytestmark = pytest.mark.interop

WAYS = {"ws-flv": 1.0, "http-flv": 1.0, "ll-hls": 2.0, "dash": 5.0, "hls": 12.0}
"""Each way, and how many seconds after a picture was made it is seen at the latest."""

SMALL: ViewportSize = {"width": 900, "height": 600}  # less to paint on a machine without graphics
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
POLICY_BROKEN = "violates the following Content Security Policy directive"
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "page.md"

_numbers = count(1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("films") / "page.flv"
    make_film(file, RATE, gop=RATE)
    return file


@pytest.fixture(scope="module")
def show(server: RunningServer, film: Path) -> Iterator[str]:
    """A stream that is on air all the while."""
    with publishing(film, server.publish_url("live/show")):
        yield "live/show"


@pytest.fixture(scope="module")
def clock(server: RunningServer) -> Iterator[str]:
    """A stream whose pictures show when they were made."""
    command = [sys.executable, "-m", "tests.interop.clock", server.publish_url("live/clock")]
    with subprocess.Popen(command) as process:
        yield "live/clock"
        process.terminate()


@pytest.fixture
def page(browser: Browser, server: RunningServer) -> Iterator[Page]:
    """A page of a new visitor, in English; whatever goes wrong in it fails the test."""
    context = browser.new_context(base_url=root(server), locale="en-GB", viewport=SMALL)
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on(
        "console",
        lambda said: mistakes.append(said.text) if POLICY_BROKEN in said.text else None,
    )
    yield page
    context.close()
    assert [mistake for mistake in mistakes if not mistake.startswith("Framing")] == []


def root(server: RunningServer) -> str:
    return f"http://{server.host}:{server.http_port}/"


def new_stream() -> str:
    return f"live/{next(_numbers)}"


def width_overflow(page: Page) -> int:
    script = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    overflow: int = page.evaluate(script)
    return overflow


def test_the_list_shows_a_stream_with_its_picture(page: Page, show: str) -> None:
    page.goto("")
    card = page.get_by_role("link", name=f"Watch {show}")
    expect(card).to_contain_text("H.264 · AAC", timeout=PATIENCE_MS)
    expect(card).to_contain_text("180p25")
    expect(card).to_contain_text("Live")
    picture = card.locator("img[src]")
    expect(picture).to_be_visible(timeout=PATIENCE_MS)
    assert picture.evaluate("image => image.naturalWidth") == 320
    card.click()
    expect(page).to_have_url(re.compile(rf"/watch/{show}$"))
    wait_until_it_plays(page)


@pytest.mark.parametrize(("way", "limit_s"), WAYS.items())
def test_a_stream_plays_without_a_stall_soon_after_its_pictures_were_made(
    page: Page, clock: str, way: str, limit_s: float
) -> None:
    page.goto(f"watch/{clock}?way={way}")
    wait_until_it_plays(page, way)
    # What a busy machine does while it starts is not judged.
    page.wait_for_function(f"() => ({READ})() < {1_000 * limit_s}", timeout=PATIENCE_MS)
    before = figures(page)
    latencies = []
    for _ in range(10):
        play_on(page, 0.4, RATE)
        latencies.append(page.evaluate(READ) / 1_000)
    then = figures(page)
    print(f"{way}: {median(latencies):.2f} s")  # noqa: T201 (shown by -rP)
    assert 0 < median(latencies) < limit_s
    assert (then.way, then.stalls, then.reconnects) == (way, before.stalls, before.reconnects)
    expect(page.locator(".to-live")).to_have_class(re.compile("at-edge"))


def test_playback_goes_on_from_one_way_to_the_next(page: Page, show: str) -> None:
    page.goto(f"watch/{show}")
    wait_until_it_plays(page, "ws-flv")  # the best one
    for way in [*WAYS, "ws-flv"]:
        button = page.locator(f"button[data-way={way}]")
        button.click()
        wait_until_it_plays(page, way)
        assert play_on(page, 0.5, RATE).way == way
        expect(button).to_have_attribute("aria-pressed", "true")


def test_who_was_away_for_a_while_comes_back_to_the_live_edge(page: Page, show: str) -> None:
    page.goto(f"watch/{show}")
    wait_until_it_plays(page)
    page.keyboard.press("k")
    page.wait_for_function("() => slipstream.state === 'paused'", timeout=PATIENCE_MS)
    page.wait_for_function("() => slipstream.bufferSeconds > 3", timeout=PATIENCE_MS)
    page.keyboard.press("k")
    wait_until_it_plays(page)
    page.wait_for_function("() => slipstream.bufferSeconds < 1.5", timeout=PATIENCE_MS)


def test_a_page_that_is_older_than_the_server_is_loaded_again(page: Page, show: str) -> None:
    page.route("**/assets/flv-*.js", lambda route: route.fulfill(status=404), times=1)
    with page.expect_navigation(timeout=PATIENCE_MS) as reload:
        page.goto(f"watch/{show}")
    assert reload.value.ok
    wait_until_it_plays(page)


def test_an_embedded_player_plays_in_another_page(
    page: Page, server: RunningServer, show: str, tmp_path: Path
) -> None:
    html = (
        f'<iframe src="{root(server)}embed/{show}" width=640 height=360></iframe>'
        f'<iframe src="{root(server)}watch/{show}" id=refused></iframe>'
    )
    with site(html, tmp_path) as place:
        page.goto(place)
        frame = next(frame for frame in page.frames if "/embed/" in frame.url)
        frame.wait_for_function(
            "() => window.slipstream?.state === 'playing' && slipstream.frames > 20",
            timeout=PATIENCE_MS,
        )
    assert frame.evaluate("() => document.querySelector('video').muted")
    assert frame.locator("header").count() == 0
    refused = page.frame_locator("#refused")
    assert refused.locator("video").count() == 0


@pytest.mark.parametrize("way", WAYS)
def test_playback_goes_on_when_the_publisher_comes_back(
    page: Page, server: RunningServer, film: Path, way: str
) -> None:
    stream = new_stream()
    page.goto(f"watch/{stream}?way={way}")
    expect(page.get_by_text("Not on air right now")).to_be_visible(timeout=PATIENCE_MS)
    for _ in range(2):
        with publishing(film, server.publish_url(stream)):
            wait_until_it_plays(page, way)
            play_on(page, 1, RATE)
        expect(page.get_by_text("Not on air right now")).to_be_visible(timeout=PATIENCE_MS)


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


def test_playback_goes_on_when_the_server_was_started_anew(
    page: Page, film: Path, tmp_path: Path
) -> None:
    at_once = "[server]\nstop_s = 0\n"
    with running_server(tmp_path / "first", settings=at_once) as server:
        page.goto(f"{root(server)}watch/live/a")
        with publishing(film, server.publish_url("live/a")):
            wait_until_it_plays(page)
    gone = page.get_by_text("The server does not answer")
    expect(gone).to_be_visible(timeout=PATIENCE_MS)
    place = f"{server.host}:{server.http_port}"
    with (
        running_server(tmp_path / "second", "--http", place, settings=at_once) as server,
        publishing(film, server.publish_url("live/a")),
    ):
        wait_until_it_plays(page)
        play_on(page, 1, RATE)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_both_languages_fit_on_desktops_and_phones(
    browser: Browser, server: RunningServer, show: str, size: str, language: str
) -> None:
    width, height = SIZES[size]
    with browser.new_context(
        base_url=root(server), locale=language, viewport={"width": width, "height": height}
    ) as context:
        page = context.new_page()
        words = {"en-US": ("On air", "Played by"), "zh-CN": ("正在直播", "播放方式")}[language]
        for path, word in (("", words[0]), (f"watch/{show}", words[1])):
            page.goto(path)
            expect(page.get_by_text(word, exact=True)).to_be_visible(timeout=PATIENCE_MS)
            assert width_overflow(page) == 0
        assert page.locator("html").get_attribute("lang") == language.replace("en-US", "en")


def test_the_language_can_be_switched(page: Page, show: str) -> None:
    page.goto(f"watch/{show}")
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_text("播放方式", exact=True)).to_be_visible()
    page.get_by_role("link", name="Slipstream").click()
    expect(page.get_by_text("正在直播")).to_be_visible(timeout=PATIENCE_MS)


def test_dark_and_light_follow_the_system_until_somebody_chooses(
    browser: Browser, server: RunningServer
) -> None:
    ground = "() => getComputedStyle(document.documentElement).backgroundColor"
    with browser.new_context(base_url=root(server), color_scheme="dark", locale="en") as context:
        page = context.new_page()
        page.goto("")
        dark = page.evaluate(ground)
        page.get_by_role("button", name="Light").click()
        light = page.evaluate(ground)
        assert dark != light
        page.reload()
        assert page.evaluate(ground) == light


def test_an_empty_list_says_what_to_tell_an_encoder(page: Page, film: Path, tmp_path: Path) -> None:
    with running_server(tmp_path) as empty:
        page.goto(root(empty))
        expect(page.get_by_role("heading", name="Nothing is on air")).to_be_visible()
        server = f"rtmp://{empty.host}:{empty.rtmp_port}/live"
        expect(page.get_by_text(server, exact=True)).to_be_visible()
        expect(page.get_by_text("show?key=KEY", exact=True)).to_be_visible()
        page.get_by_label("Name of the stream").fill("my show/1")
        expect(page.get_by_text("myshow1?key=KEY", exact=True)).to_be_visible()
        command = page.locator("code", has_text="ffmpeg").inner_text()
        command = command.replace("film.mp4", str(film)).replace("KEY", empty.key)
        # The command is true.
        with subprocess.Popen([*shlex.split(command), "-loglevel", "error"]) as encoder:
            expect(page.get_by_role("link", name="Watch live/myshow1")).to_be_visible(
                timeout=PATIENCE_MS
            )
            encoder.terminate()


def test_what_a_publisher_says_is_only_text(page: Page) -> None:
    hostile = "<img src=x onerror=document.title='broken'>"
    track = {"kind": "video", "codec": hostile, "codec_string": hostile, "width": 1, "height": 1}
    stream = {"name": f"live/{hostile}", "state": "live", "for_s": 1, "bitrate_bps": 1}
    stream |= {"viewers": 1, "tracks": [track], "ways": ["ws-flv", hostile]}
    listing = {"listed": True, "count": 1, "streams": [stream]}
    listing["publish"] = {"rtmp_port": 1, "key": True}
    page.route("**/page/streams.json", lambda route: route.fulfill(body=json.dumps(listing)))
    page.route("**/page/stream/**", lambda route: route.fulfill(body=json.dumps(stream)))
    page.goto("")
    expect(page.get_by_role("heading", name=hostile)).to_be_visible(timeout=PATIENCE_MS)
    page.goto("watch/live/a?lang=<b>&way=constructor")
    expect(page.get_by_text(f"It is {hostile}")).to_be_visible(timeout=PATIENCE_MS)
    assert page.locator("img[onerror]").count() == 0
    assert "broken" not in page.title()


def test_keys_do_what_the_help_says(page: Page, show: str) -> None:
    page.goto(f"watch/{show}?muted=0")
    wait_until_it_plays(page)
    video = page.locator("video")
    page.keyboard.press("m")
    assert video.evaluate("video => video.muted")
    page.keyboard.press("m")
    assert not video.evaluate("video => video.muted")
    page.locator(".player").focus()
    page.keyboard.press("ArrowDown")
    assert video.evaluate("video => video.volume") == pytest.approx(0.95)
    page.keyboard.press("Space")
    assert video.evaluate("video => video.paused")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_who_starts_without_sound_is_offered_it(page: Page, show: str) -> None:
    page.goto(f"embed/{show}")
    wait_until_it_plays(page)
    page.get_by_role("button", name="Tap for sound").click()
    assert not page.locator("video").evaluate("video => video.muted")
    expect(page.get_by_role("button", name="Tap for sound")).to_have_count(0)


def test_it_works_below_a_path_behind_a_proxy(
    page: Page, server: RunningServer, show: str, tmp_path: Path
) -> None:
    match = re.search(r"```nginx\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert match is not None
    location = match[1].replace("127.0.0.1:8080", f"{server.host}:{server.http_port}")
    with proxying(location, tmp_path) as place:
        page.goto(f"{place}/media/")
        page.get_by_role("link", name=f"Watch {show}").click(timeout=PATIENCE_MS)
        for way in WAYS:
            page.locator(f"button[data-way={way}]").click(timeout=PATIENCE_MS)
            wait_until_it_plays(page, way)
        assert page.url == f"{place}/media/watch/{show}"
        page.get_by_role("link", name="Slipstream").click()
        expect(page.get_by_role("heading", name="On air")).to_be_visible(timeout=PATIENCE_MS)
