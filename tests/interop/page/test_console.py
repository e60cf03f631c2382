"""The console in a browser: in with a token, and what operators do there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from slipstream.rtmp import Code
from tests.behaviour.pictures import gop
from tests.behaviour.visits import on_air, refusal
from tests.flv_client import FlvClient
from tests.interop.browser import PATIENCE_MS
from tests.interop.page.conftest import root
from tests.interop.page.test_looks import SIZES, width_overflow
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, running_server

pytestmark = pytest.mark.interop

TABS = ("streams", "viewers", "relays", "keys", "log")
ALERTS = """
[alerts]
for_s = 0
max_silence_s = 1
max_keyframe_s = 0
"""
# What the graphs show, in the colour of their line: how many columns of pixels it covers.
DRAWN = """graph => {
    const canvas = graph.querySelector("canvas");
    const {width, height} = canvas;
    const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    const line = [11, 111, 121];
    let columns = 0;
    for (let x = 0; x < width; x++) {
        for (let y = 0; y < height; y++) {
            const at = 4 * (y * width + x);
            if (pixels[at + 3] === 255 && line.every((c, i) => Math.abs(pixels[at + i] - c) < 24)) {
                columns++;
                break;
            }
        }
    }
    return columns;
}"""


def sign_in(page: Page, server: RunningServer, tab: str = "streams") -> None:
    page.goto(f"console#{tab}")
    page.get_by_label("Token").fill(server.token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Console")).to_be_visible(timeout=PATIENCE_MS)


@pytest.fixture
def console(page: Page, server: RunningServer, show: str) -> Page:
    """Signed in, at the streams."""
    sign_in(page, server)
    expect(page.get_by_role("link", name=show)).to_be_visible(timeout=PATIENCE_MS)
    return page


def confirm(page: Page, label: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=label).click()


def test_without_the_token_nothing_is_told(page: Page) -> None:
    page.goto("console")
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("the token is wrong")).to_be_visible(timeout=PATIENCE_MS)
    assert page.evaluate("sessionStorage.length") == 0
    expect(page.get_by_label("Token")).to_be_visible()


def test_the_token_is_kept_for_this_tab_until_somebody_signs_out(console: Page) -> None:
    console.reload()
    expect(console.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE_MS)
    assert console.evaluate("localStorage.length") == 0
    console.get_by_role("button", name="Sign out").click()
    expect(console.get_by_label("Token")).to_be_visible()
    assert console.evaluate("sessionStorage.length") == 0


def test_graphs_move(console: Page, server: RunningServer, show: str) -> None:
    console.get_by_role("link", name=show).click()
    for name in ("Bitrate", "Frame rate", "Viewers"):
        expect(console.get_by_role("figure", name=name)).to_be_visible()
    bitrate = console.get_by_role("figure", name="Bitrate")
    expect(bitrate).to_contain_text("kbit/s", timeout=PATIENCE_MS)
    drawn = f"() => ({DRAWN})(document.querySelector('figure[aria-label=Bitrate]')) > 100"
    console.wait_for_function(drawn, timeout=PATIENCE_MS)
    before = bitrate.locator("canvas").screenshot()
    console.wait_for_timeout(4_500)  # two further looks at the server
    assert bitrate.locator("canvas").screenshot() != before
    viewers = console.get_by_role("figure", name="Viewers")
    with FlvClient(server, f"/{show}.flv") as viewer:
        viewer.take(1)
        expect(viewers).to_contain_text(str(server.stream(show)["viewers"]), timeout=PATIENCE_MS)


def test_a_viewer_is_sent_away(console: Page, server: RunningServer, show: str) -> None:
    with FlvClient(server, f"/{show}.flv") as viewer:
        viewer.take(1)
        (row,) = server.api(f"viewers?stream={show}&protocol=http-flv")["viewers"]
        console.get_by_role("link", name="Viewers", exact=True).click()
        shown = console.get_by_role("row").filter(has_text=row["id"])
        expect(shown).to_contain_text("http-flv", timeout=PATIENCE_MS)
        shown.get_by_role("button", name="Send away").click()
        confirm(console, "Send away")
        expect(console.get_by_text(f"{row['id']} was sent away.")).to_be_visible()
        expect(shown).to_have_count(0)
        server.wait_for_log(f'play.end .*id={row["id"]} .*reason="ended by the operator')
        viewer.drain()  # to its end
    assert server.api(f"connections/{row['id']}") is None


def test_a_relay_is_added_stopped_and_removed(console: Page, server: RunningServer) -> None:
    console.get_by_role("link", name="Relays").click()
    console.get_by_role("textbox", name="Stream").fill("live/other")
    console.get_by_label("Address").fill("rtmp://127.0.0.1/live/a")
    console.get_by_role("button", name="Add a relay").click()
    expect(console.get_by_text("127.0.0.1")).to_be_visible(timeout=PATIENCE_MS)  # why not
    console.get_by_label("Address").fill("rtmp://relay.example/live/secret")
    console.get_by_role("button", name="Add a relay").click()
    row = console.get_by_role("row").filter(has_text="relay.example")
    expect(row).to_contain_text("live/other", timeout=PATIENCE_MS)
    assert "secret" not in row.inner_text()
    (relay,) = server.api("relays")["relays"]
    assert (relay["kind"], relay["stream"]) == ("push", "live/other")
    assert relay["state"] != "stopped"
    row.get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("Stopped", timeout=PATIENCE_MS)
    (relay,) = server.api("relays")["relays"]
    assert relay["state"] == "stopped"
    row.get_by_role("button", name="Remove").click()
    confirm(console, "Remove")
    expect(row).to_have_count(0, timeout=PATIENCE_MS)
    assert server.api("relays")["relays"] == []


def test_a_key_is_made_rotated_disabled_and_removed(console: Page, server: RunningServer) -> None:
    console.get_by_role("link", name="Keys").click()
    console.get_by_label("For").fill("live/keyed")
    console.get_by_label("Label").fill("studio")
    console.get_by_role("button", name="Make a key").click()
    dialog = console.get_by_role("dialog")
    first = dialog.locator("code").inner_text()
    dialog.get_by_role("button", name="Close").click()
    row = console.get_by_role("row").filter(has_text="live/keyed")
    expect(row).to_contain_text("studio", timeout=PATIENCE_MS)
    row.get_by_role("button", name="Rotate").click()
    confirm(console, "Rotate")
    expect(dialog.locator("code")).to_be_visible(timeout=PATIENCE_MS)
    second = dialog.locator("code").inner_text()
    dialog.get_by_role("button", name="Close").click()
    url = server.play_url("live/keyed")
    assert refusal(f"{url}{first}").code == Code.PUBLISH_BAD_NAME
    with RtmpClient.publishing(f"{url}{second}") as publisher:
        publisher.leave()
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled", timeout=PATIENCE_MS)
    assert refusal(f"{url}{second}").code == Code.PUBLISH_BAD_NAME
    server.wait_for_log('publish.refused .*is disabled" stream=live/keyed')
    row.get_by_role("button", name="Remove").click()
    confirm(console, "Remove")
    expect(row).to_have_count(0, timeout=PATIENCE_MS)
    assert server.api("keys")["keys"] == []


def test_the_log_goes_on_as_it_is_written(console: Page, server: RunningServer, show: str) -> None:
    console.get_by_role("link", name="Log").click()
    lines = console.locator(".line")
    expect(lines.filter(has_text="publish.start").first).to_be_visible(timeout=PATIENCE_MS)
    with FlvClient(server, f"/{show}.flv") as viewer:
        viewer.take(1)
        (row,) = server.api(f"viewers?stream={show}&protocol=http-flv")["viewers"]
        started = lines.filter(has_text="play.start").filter(has_text=row["id"])
        expect(started).to_be_visible(timeout=PATIENCE_MS)


def test_an_alert_comes_and_goes(page: Page, tmp_path: Path) -> None:
    with running_server(tmp_path, settings=ALERTS) as server, on_air(server, "live/a") as station:
        page.goto(f"{root(server)}console")
        page.get_by_label("Token").fill(server.token)
        page.get_by_role("button", name="Sign in").click()
        row = page.get_by_role("row").filter(has_text="live/a")
        expect(row.get_by_text("1 alert")).to_be_visible(timeout=PATIENCE_MS)  # it is silent
        page.get_by_role("link", name="live/a").click()
        alert = page.get_by_role("listitem").filter(has_text="silence")
        expect(alert).to_be_visible(timeout=PATIENCE_MS)
        assert [each["alert"] for each in server.stream("live/a")["alerts"]] == ["silence"]
        station.send(*gop(200))
        expect(alert).to_have_count(0, timeout=PATIENCE_MS)
        server.wait_for_log("alert.cleared .*stream=live/a alert=silence")


@pytest.mark.parametrize("size", SIZES)
def test_everything_fits_on_desktops_and_phones(
    browser: Browser, server: RunningServer, show: str, size: str
) -> None:
    width, height = SIZES[size]
    with browser.new_context(
        base_url=root(server), locale="en", viewport={"width": width, "height": height}
    ) as context:
        page = context.new_page()
        sign_in(page, server)
        expect(page.get_by_role("link", name=show)).to_be_visible(timeout=PATIENCE_MS)
        for tab in (*TABS, f"streams/{show}"):
            page.goto(f"console#{tab}")
            expect(page.locator("main > div > *")).to_be_visible(timeout=PATIENCE_MS)
            assert width_overflow(page) == 0, tab


def test_both_languages_are_spoken(console: Page, show: str) -> None:
    console.get_by_role("link", name="中文").click()
    expect(console.get_by_role("link", name="直播流", exact=True)).to_be_visible()
    expect(console.get_by_role("button", name="退出")).to_be_visible()


def test_what_somebody_calls_a_stream_is_only_text(page: Page, server: RunningServer) -> None:
    hostile = "<img src=x onerror=document.title='broken'>"
    line = {"time": "2026-01-01T00:00:00Z", "level": "info", "event": hostile}
    body = f"event: line\ndata: {json.dumps({**line, 'fields': {hostile: hostile}})}\n\n"
    page.route(
        "**/api/v1/logs*",
        lambda route: route.fulfill(body=body, content_type="text/event-stream"),
    )
    sign_in(page, server, "log")
    expect(page.locator(".line b").first).to_have_text(hostile, timeout=PATIENCE_MS)
    assert page.locator("img[onerror]").count() == 0
    assert "broken" not in page.title()
