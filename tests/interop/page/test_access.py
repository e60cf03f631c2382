"""Ways of access in a browser: the page hands on what it was opened with, and says when that is no
good; other people's pages are let in by their origin, or not. The table is `ways.CASES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from slipstream.access import Action
from tests.interop.browser import PATIENCE_MS, publishing, site, wait_until_it_plays
from tests.interop.door import door, new_address
from tests.interop.page.conftest import WAYS as PLAYERS
from tests.interop.page.conftest import root
from tests.interop.ways import CASES, Case, Guarded, guarded_server, right
from tests.server import RunningServer, running_server

pytestmark = pytest.mark.interop

OVER_HTTP = ("key", "signed", "HS256", "RS256", "EdDSA", "addresses", "hook")
GUARDED = tuple(way for way in OVER_HTTP if way != "addresses")  # something is shown
NOT_YOURS = "You may not watch this stream"
MEDIA = {  # extensions, and what the log calls them
    "flv": "http-flv",
    "ts": "http-ts",
    "mp4": "http-mp4",
    "m3u8": "hls",
    "mpd": "dash",
    "jpg": "jpg",
}
STATUS = """address => {
    const enough = new AbortController();
    return fetch(address, {signal: enough.signal}).then(answer => {
        enough.abort();
        return answer.status;
    }, error => String(error));
}"""
EMBED = """address => {
    const frame = document.createElement("iframe");
    frame.src = address;
    document.body.append(frame);
}"""
OPENS = """address => new Promise(resolve => {
    const socket = new WebSocket(address);
    socket.onopen = () => resolve(true);
    socket.onerror = () => resolve(false);
})"""
PAGES = """
[apps.origin.access]
origins = ["{origin}"]
[apps.referer.access]
referers = ["127.0.0.1"]
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_server(tmp_path_factory.mktemp("ways")) as guarded:
        yield guarded


@pytest.fixture
def show(guarded: Guarded, film: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A stream in an application, on air."""
    way: str = request.param
    stream = f"{way}/show"
    shown = right(way).make(guarded.issuer, Action.PUBLISH, stream)
    with publishing(film, f"{guarded.server.play_url(stream)}?{shown.query}"):
        guarded.server.wait_for_log(f"publish.start .*stream={stream}")
        yield stream


@pytest.mark.parametrize("show", GUARDED, indirect=True)
def test_the_page_hands_on_what_it_was_opened_with(page: Page, guarded: Guarded, show: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    shown = right(show.partition("/")[0]).make(guarded.issuer, Action.PLAY, show)
    page.goto(f"{root(guarded.server)}watch/{show}?{shown.query}")
    for player in PLAYERS if show.startswith("HS256") else ("ws-flv", "ll-hls"):
        page.locator(f"button[data-way={player}]").click(timeout=PATIENCE_MS)
        wait_until_it_plays(page, player)
    ours = [urlsplit(url) for url in asked if f"/{show}" in url]
    assert {url.path.rpartition(".")[2] for url in ours} >= {"json", "flv", "jpg", "m3u8", "m4s"}
    assert all(shown.query in url.query for url in ours)
    page.get_by_text("Share and embed").click()
    shared = page.locator(".share code").all_inner_texts()
    assert len(shared) == 4
    assert [address for address in shared if shown.query not in address] == []


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.way in OVER_HTTP and case.reason], ids=str
)
def test_who_may_not_watch_is_told_so_and_gets_nothing(
    page: Page, guarded: Guarded, case: Case
) -> None:
    server, stream = guarded.server, f"{case.way}/show"
    shown = case.make(guarded.issuer, Action.PLAY, stream)
    address = shown.address or new_address()
    with door(server.http_port, address) as port:
        place, asked = f"http://127.0.0.1:{port}", list[str]()
        page.on("request", lambda request: asked.append(request.url))
        answer = page.goto(f"{place}/watch/{stream}?{shown.query}")
        assert answer is not None
        assert answer.status == 403
        expect(page.get_by_text(NOT_YOURS)).to_be_visible(timeout=PATIENCE_MS)
        # One line of the log for each visit: it does not ask for what it will not get.
        assert [url for url in asked if f"{case.way}/" in url] == [answer.url]
        refused = f"play.refused .*address={address} stream={stream} protocol="
        server.wait_for_log(f'{refused}page reason="{case.reason}')
        for kind in ("flv", "m3u8"):
            assert page.evaluate(STATUS, f"{place}/{stream}.{kind}?{shown.query}") == 403
        server.wait_for_log(f'{refused}http-flv reason="')
        server.wait_for_log(f'{refused}hls reason="')
        assert not page.evaluate(OPENS, f"ws://127.0.0.1:{port}/{stream}.flv?{shown.query}")
        server.wait_for_log(f'{refused}ws-flv reason="')


@pytest.mark.parametrize("show", ["signed"], indirect=True)
def test_a_link_that_expires_while_somebody_watches(
    page: Page, guarded: Guarded, show: str
) -> None:
    query = guarded.issuer.signature(Action.PLAY, show, left_s=8)
    page.goto(f"{root(guarded.server)}watch/{show}?{query}&way=ll-hls")
    wait_until_it_plays(page, "ll-hls")
    expect(page.get_by_text(NOT_YOURS)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Played by")).to_be_hidden()
    reason = 'reason="the signed URL has expired"'
    guarded.server.wait_for_log(f"play.refused .*stream={show} protocol=hls {reason}")


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The origins of two web sites that have nothing to do with the server."""
    folder = tmp_path_factory.mktemp("homes")
    with (
        site("<p>Somebody's page</p>", folder) as one,
        site("<p>Somebody's page</p>", folder) as two,
    ):
        yield one.rstrip("/"), two.rstrip("/").replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def choosy(
    tmp_path_factory: pytest.TempPathFactory, film: Path, homes: tuple[str, str]
) -> Iterator[RunningServer]:
    """Both rules name the first of the two; streams are on air."""
    settings = PAGES.format(origin=homes[0])
    with running_server(tmp_path_factory.mktemp("choosy"), settings=settings) as server:
        urls = [server.publish_url(f"{rule}/show") for rule in ("origin", "referer")]
        with publishing(film, urls[0]), publishing(film, urls[1]):
            for rule in ("origin", "referer"):
                server.wait_for_log(f"publish.start .*stream={rule}/show")
            yield server


@pytest.mark.parametrize(
    ("rule", "reason"), [("origin", "not from this origin"), ("referer", "not from this page")]
)
def test_other_peoples_pages_may_play_if_the_rules_name_them(
    page: Page, choosy: RunningServer, homes: tuple[str, str], rule: str, reason: str
) -> None:
    friend, stranger = homes
    stream = f"{rule}/show"
    socket = f"ws://127.0.0.1:{choosy.http_port}/{stream}.flv"
    page.goto(friend)
    for kind in MEDIA:
        assert page.evaluate(STATUS, f"{root(choosy)}{stream}.{kind}") == 200, kind
    assert page.evaluate(OPENS, socket)
    page.goto(stranger)
    for kind, protocol in MEDIA.items():
        assert page.evaluate(STATUS, f"{root(choosy)}{stream}.{kind}") == 403, kind
        refused = f"play.refused .*stream={stream} protocol={protocol}"
        choosy.wait_for_log(f'{refused} reason="{reason}"')
    assert not page.evaluate(OPENS, socket)
    if rule == "referer":  # a page of theirs with our player in it is theirs
        page.evaluate(EMBED, f"{root(choosy)}embed/{stream}")
        inside = page.frame_locator("iframe")
        expect(inside.get_by_text(NOT_YOURS)).to_be_visible(timeout=PATIENCE_MS)
