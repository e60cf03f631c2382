"""What the page is served with, who gets it, and that nothing else is got by its addresses."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from slipstream.page.files import BUILT
from slipstream.page.listing import ListedStream
from tests.page.stage import Client, Programme, on_air, page, raw

ASSETS = sorted(file.name for file in (BUILT / "assets").iterdir())


@pytest.fixture
def programme() -> Programme:
    return Programme([on_air("live/a"), on_air("live/b", viewers=3)])


@pytest.fixture
async def client(programme: Programme) -> AsyncIterator[Client]:
    async with page(programme) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/", "./"),
        ("/console", "./"),
        ("/watch/live/a", "../../"),
        ("/watch/a/b/c/d", "../../../../"),
        ("/embed/live/a?muted=1", "../../"),
    ],
)
async def test_the_document_knows_the_way_to_the_root(client: Client, path: str, base: str) -> None:
    status, head, body = await raw(client, path)
    assert status == 200
    assert "text/html" in head
    assert re.findall(rb'<base href="(.*?)"', body) == [base.encode()]


async def test_the_document_loads_nothing_but_its_own_assets(client: Client) -> None:
    html = await (await client.get("/")).text()
    loaded = re.findall(r'(?:src|href)="(.*?)"', html)
    assert {name.removeprefix("./assets/") for name in loaded if name != "./"} <= set(ASSETS)
    assert len(loaded) >= 4


async def test_only_the_embedded_player_may_stand_in_other_peoples_pages(client: Client) -> None:
    own = dict.fromkeys(("/", "/watch/live/a", "/console"), "'none'")
    for path, ancestors in {**own, "/embed/live/a": "*"}.items():
        policy = (await client.get(path)).headers["Content-Security-Policy"]
        assert f"frame-ancestors {ancestors}" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy


async def test_assets_are_kept_for_ever_and_all_else_is_asked_for_again(client: Client) -> None:
    for name in ASSETS:
        answer = await client.get(f"/assets/{name}")
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert await answer.read() == (BUILT / "assets" / name).read_bytes()
    for path in ("/", "/watch/live/a", "/page/streams.json", "/page/stream/live/a.json"):
        assert (await client.get(path)).headers["Cache-Control"] == "no-cache"


async def test_who_has_it_already_gets_nothing_again(client: Client) -> None:
    for path in ("/", "/watch/live/a", f"/assets/{ASSETS[0]}", "/page/streams.json"):
        tag = (await client.get(path)).headers["ETag"]
        again = await client.get(path, headers={"If-None-Match": tag})
        assert (again.status, await again.read()) == (304, b"")
        other = await client.get(path, headers={"If-None-Match": '"other"'})
        assert other.status == 200


async def test_what_pays_is_compressed_for_those_who_can_read_it(client: Client) -> None:
    script = next(name for name in ASSETS if name.startswith("flv") and name.endswith(".js"))
    sizes = {}
    for coding in ("gzip", "identity"):
        answer = await client.get(f"/assets/{script}", headers={"Accept-Encoding": coding})
        assert answer.headers.get("Content-Encoding", "identity") == coding
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert await answer.read() == (BUILT / "assets" / script).read_bytes()
        sizes[coding] = int(answer.headers["Content-Length"])
    assert sizes["gzip"] < 0.4 * sizes["identity"]


async def test_every_answer_forbids_browsers_to_guess(client: Client) -> None:
    for path in ("/", f"/assets/{ASSETS[0]}", "/page/streams.json", "/page/licences.txt"):
        assert (await client.get(path)).headers["X-Content-Type-Options"] == "nosniff"
        head = await client.head(path)
        assert (head.status, await head.read()) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../routes.py",
        "/assets/..%2f..%2froutes.py",
        "/assets/%2e%2e/index.html",
        "/assets//etc/passwd",
        "/assets/....//index.html",
        "/assets/index.html",
        "/assets/",
        "/watch/../../routes.py",
        "/watch/..%2f..%2fetc/passwd",
        "/page/stream/../../../etc/passwd.json",
        "/page/../assets",
        "//etc/passwd",
        "/built/index.html",
    ],
)
async def test_no_path_leads_out_of_what_was_built(client: Client, path: str) -> None:
    assert (await raw(client, path))[0] == 404


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "%3Cb%3E", "a/b/c/d/e", "a b"],
)
async def test_what_is_no_name_has_no_page_and_is_only_text(client: Client, name: str) -> None:
    for path in (f"/watch/live/{name}", f"/embed/live/{name}", f"/page/stream/live/{name}.json"):
        answer = await client.get(path)
        assert answer.status == 404
        assert answer.content_type == "text/plain"


async def test_media_of_applications_with_our_words_for_names_are_left_alone(
    client: Client,
) -> None:
    for stream in ("watch/a", "embed/a", "page/a", "assets/a", "page/stream/a"):
        answer = await client.get(f"/{stream}.flv")
        assert await answer.text() == f"media of {stream}"


async def test_the_list_says_what_is_on_air_and_how_to_publish(client: Client) -> None:
    listing = await (await client.get("/page/streams.json")).json()
    assert listing["listed"] is True
    assert listing["count"] == 2
    assert listing["publish"] == {"rtmp_port": 1936, "key": True}
    first, second = listing["streams"]
    assert (first["name"], second["name"]) == ("live/b", "live/a")  # most viewers first
    assert first["ways"] == ["ws-flv", "http-flv"]
    assert first["tracks"][0]["codec_string"] == "avc1.42c01f"


async def test_it_tells_nothing_but_this(client: Client) -> None:
    told = {"name", "state", "for_s", "bitrate_bps", "viewers", "tracks", "ways"}
    listing = await (await client.get("/page/streams.json")).json()
    assert [set(stream) for stream in listing["streams"]] == [told, told]
    assert set(await (await client.get("/page/stream/live/a.json")).json()) == told


async def test_streams_that_not_everybody_may_play_are_not_listed(programme: Programme) -> None:
    programme.streams = [on_air("secret/a"), on_air("live/a")]
    async with page(programme) as client:
        listing = await (await client.get("/page/streams.json")).json()
        assert [stream["name"] for stream in listing["streams"]] == ["live/a"]
        for path in ("/watch/secret/a", "/embed/secret/a", "/page/stream/secret/a.json"):
            assert (await client.get(path)).status == 403
            assert (await client.get(f"{path}?token=word")).status == 200


async def test_who_may_not_watch_gets_a_page_that_says_so(programme: Programme) -> None:
    async with page(programme) as client:
        for path in ("/watch/secret/a", "/embed/secret/a"):
            refused, shown = await client.get(path), await client.get(f"{path}?token=word")
            assert refused.content_type == "text/html"
            assert "<body data-refused>" in await refused.text()
            assert "data-refused" not in await shown.text()


async def test_only_what_is_on_air_is_listed(programme: Programme) -> None:
    states = ("live", "slate", "starting", "off")
    programme.streams = [on_air(f"live/{state}", state=state) for state in states]
    async with page(programme) as client:
        listing = await (await client.get("/page/streams.json")).json()
        assert {stream["name"] for stream in listing["streams"]} == {"live/live", "live/slate"}
        one = await (await client.get("/page/stream/live/starting.json")).json()
        assert one["state"] == "starting"


async def test_a_long_list_is_cut_but_counted(programme: Programme) -> None:
    programme.streams = [on_air(f"live/{number}", viewers=number) for number in range(300)]
    async with page(programme) as client:
        listing = await (await client.get("/page/streams.json")).json()
        assert (listing["count"], len(listing["streams"])) == (300, 200)
        assert listing["streams"][-1]["viewers"] == 100


async def test_a_thousand_pages_ask_the_server_once(client: Client, programme: Programme) -> None:
    for _ in range(20):
        await client.get("/page/streams.json")
        await client.get("/page/stream/live/a.json")
    assert sorted(programme.asked) == ["all", "live/a"]


async def test_the_list_can_be_switched_off(programme: Programme) -> None:
    async with page(programme, list=False, open_to_publish=True) as client:
        listing = await (await client.get("/page/streams.json")).json()
        assert listing == {
            "listed": False,
            "count": 0,
            "streams": [],
            "publish": {"rtmp_port": 1936, "key": False},
        }
        assert (await client.get("/watch/live/a")).status == 200
        assert (await (await client.get("/page/stream/live/a.json")).json())["state"] == "live"


async def test_the_console_can_be_switched_off(programme: Programme) -> None:
    async with page(programme, console=False) as client:
        assert (await client.get("/console")).status == 404
        assert (await client.get("/")).status == 200


async def test_the_page_can_be_switched_off(programme: Programme) -> None:
    async with page(programme, enabled=False) as client:
        for path in ("/", "/watch/live/a", "/page/streams.json", f"/assets/{ASSETS[0]}"):
            assert (await client.get(path)).status == 404


async def test_a_stream_that_is_not_there_is_off(client: Client) -> None:
    one = await (await client.get("/page/stream/live/none.json")).json()
    assert one["state"] == ListedStream("live/none", "off").state
    assert one["tracks"] == []
