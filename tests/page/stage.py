"""The page in an HTTP server of its own, with streams that are made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from slipstream.access import AccessSettings, Decision, Gate, Request
from slipstream.hub import Hub, StreamSettings
from slipstream.net.admissions import Admissions
from slipstream.net.intake import Intake
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump
from slipstream.net.services import Services
from slipstream.net.settings import NetSettings
from slipstream.page.listing import ListedStream, ListedTrack
from slipstream.page.routes import Page
from slipstream.page.settings import PageSettings

Client = TestClient[web.Request, web.Application]

VIDEO = ListedTrack("video", "avc1", "avc1.42c01f", 1280, 720, 30.0, None, None)
AUDIO = ListedTrack("audio", "mp4a", "mp4a.40.2", None, None, None, 48_000, 2)


def on_air(name: str, viewers: int = 0, state: str = "live") -> ListedStream:
    return ListedStream(name, state, 12.5, 800_000, viewers, (VIDEO, AUDIO))


class Choosy(Gate):
    """Lets only those watch what is secret who know the word."""

    def decide(self, request: Request, now: float) -> Decision:
        if request.stream.startswith("secret/") and request.query != "token=word":
            return Decision(allowed=False, reason="secret")
        return super().decide(request, now)


@dataclass
class Programme:
    """The streams that there are; counts how often it is asked."""

    streams: Sequence[ListedStream] = ()
    asked: list[str] = field(default_factory=list)

    async def all(self) -> Sequence[ListedStream]:
        self.asked.append("all")
        return self.streams

    async def one(self, name: str) -> ListedStream:
        self.asked.append(name)
        named = {stream.name: stream for stream in self.streams}
        return named.get(name) or ListedStream(name, "off")


@asynccontextmanager
async def page(
    programme: Programme, *, open_to_publish: bool = False, **settings: bool
) -> AsyncIterator[Client]:
    """A client of a page; other routes of the server are there by name."""
    loop = asyncio.get_running_loop()
    services = Services(
        loop=loop,
        hub=Hub(lambda _: StreamSettings(), lambda _log, _picture: None),
        pump=Pump(loop, Pace()),
        intake=Intake(loop),
        gate=Choosy(lambda _: AccessSettings(), "key"),
        admissions=Admissions(),
        settings=NetSettings(),
    )
    app = web.Application()
    app.router.add_get("/{stream:.+}.flv", _media)
    Page(
        services,
        programme,
        lambda: PageSettings(**settings),
        extensions=("flv", "ts"),
        rtmp_port=1936,
        open_to_publish=lambda: open_to_publish,
    ).add_to(app)
    async with TestClient(TestServer(app)) as client:
        yield client


async def raw(client: Client, path: str) -> tuple[int, str, bytes]:
    """The status, head and body of the answer to a path as it stands, nothing tidied up."""
    reader, writer = await asyncio.open_connection(client.server.host, client.server.port)
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), head.decode(), body


async def _media(request: web.Request) -> web.Response:
    return web.Response(text=f"media of {request.match_info['stream']}")
