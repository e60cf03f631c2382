"""What is seen: the list, the words, in every size and below any path; and text is only text."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.interop.browser import PATIENCE_MS, wait_until_it_plays
from tests.interop.nginx import proxying
from tests.interop.page.conftest import WAYS, root
from tests.server import RunningServer, running_server

pytestmark = pytest.mark.interop

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "page.md"


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


def test_it_works_below_a_path_behind_a_proxy(
    page: Page, server: RunningServer, show: str, tmp_path: Path
) -> None:
    match = re.search(r"```nginx\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert match is not None
    location = match[1].replace("127.0.0.1:8080", f"{server.host}:{server.http_port}")
    with proxying(location, tmp_path) as place:
        page.goto(f"{place}/media/")
        page.get_by_role("link", name=f"Watch {show}").click(timeout=PATIENCE_MS)
        wait_until_it_plays(page)
        for way in WAYS:
            page.locator(f"button[data-way={way}]").click(timeout=PATIENCE_MS)
            wait_until_it_plays(page, way)
        assert page.url == f"{place}/media/watch/{show}"
        page.get_by_role("link", name="Slipstream").click()
        expect(page.get_by_role("heading", name="On air")).to_be_visible(timeout=PATIENCE_MS)
