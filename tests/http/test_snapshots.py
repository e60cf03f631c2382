"""Who gets a snapshot over HTTP, and what those are told who do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from slipstream.access import AccessSettings, Decision, Gate, Request
from slipstream.http.snapshots import HttpSnapshots, NoPictureError, NotNowError, Snapshot
from slipstream.hub import Hub, StreamSettings
from slipstream.net.admissions import Admissions
from slipstream.net.intake import Intake
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump
from slipstream.net.services import Services
from slipstream.net.settings import NetSettings

Client = TestClient[web.Request, web.Application]


class Choosy(Gate):
    """Lets nobody watch what is secret."""

    asked: list[Request]

    def decide(self, request: Request, now: float) -> Decision:
        self.asked.append(request)
        if request.stream.startswith("secret/"):
            return Decision(allowed=False, reason="secret")
        return super().decide(request, now)


class Shop:
    """Has a snapshot of every stream, but for those whose names say otherwise."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    async def get(self, stream: str, width: int) -> Snapshot:
        self.asked.append((stream, width))
        if stream == "live/none":
            raise NoPictureError("nobody publishes this stream")
        if stream == "live/later":
            raise NotNowError("too much to do")
        return Snapshot(b"jpeg", "tag")


@pytest.fixture
def gate() -> Gate:
    gate = Choosy(lambda _: AccessSettings(), "key")
    gate.asked = []
    return gate


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def client(gate: Gate, shop: Shop) -> AsyncIterator[Client]:
    loop = asyncio.get_running_loop()
    services = Services(
        loop=loop,
        hub=Hub(lambda _: StreamSettings(), lambda _log, _picture: None),
        pump=Pump(loop, Pace()),
        intake=Intake(loop),
        gate=gate,
        admissions=Admissions(),
        settings=NetSettings(allowed_origins=["https://mine.example"]),
    )
    app = web.Application()
    HttpSnapshots(services, shop).add_to(app)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_who_may_not_watch_a_stream_does_not_see_it(
    client: Client, shop: Shop, gate: Choosy
) -> None:
    answer = await client.get("/secret/a.jpg?token=x")
    assert (answer.status, await answer.text()) == (403, "not allowed\n")
    assert not shop.asked
    (request,) = gate.asked
    assert (request.stream, request.query, request.protocol) == ("secret/a", "token=x", "jpg")
    assert (await client.get("/live/a.jpg")).status == 200


async def test_the_last_extension_is_the_format_and_the_rest_is_the_name(
    client: Client, shop: Shop
) -> None:
    for name in ("a", "a.b", "a.jpg"):
        await client.get(f"/live/{name}.jpg")
    assert shop.asked == [("live/a", 640), ("live/a.b", 640), ("live/a.jpg", 640)]


@pytest.mark.parametrize(
    ("wish", "width"), [(16, 160), (160, 160), (161, 320), (640, 640), (641, 1280), (1920, 1920)]
)
async def test_a_width_is_the_next_of_a_few(
    client: Client, shop: Shop, wish: int, width: int
) -> None:
    assert (await client.get(f"/live/a.jpg?width={wish}")).status == 200
    assert shop.asked == [("live/a", width)]


@pytest.mark.parametrize("known", ["", "x", '"', '"a', "W/", "tag", "\x01", ", ,", '"' * 4000])
async def test_nonsense_in_the_head_is_no_known_picture(client: Client, known: str) -> None:
    host, port = client.server.host, client.server.port
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET /live/a.jpg HTTP/1.0\r\nIf-None-Match: {known}\r\n\r\n".encode())
    head = await reader.readline()
    writer.close()
    assert head.split()[1] in (b"200", b"400")


async def test_that_there_is_none_is_kept_by_nobody(client: Client) -> None:
    none, later = await client.get("/live/none.jpg"), await client.get("/live/later.jpg")
    assert (none.status, await none.text()) == (404, "nobody publishes this stream\n")
    assert (later.status, await later.text()) == (503, "too much to do\n")
    assert later.headers["Retry-After"] == "1"
    for answer in (none, later):
        assert answer.headers["Cache-Control"] == "no-store"


async def test_only_pages_that_may_play_from_here_may_look(client: Client) -> None:
    for origin, allowed in (("https://mine.example", True), ("https://other.example", False)):
        for path in ("/live/a.jpg", "/live/none.jpg", "/live/later.jpg"):
            answer = await client.get(path, headers={"Origin": origin})
            assert ("Access-Control-Allow-Origin" in answer.headers) == allowed
            assert answer.headers["Vary"] == "Origin"
