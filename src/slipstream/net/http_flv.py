"""HTTP-FLV: `GET /{app}/{name}.flv`, an endless response out of the FLV log.

The HTTP library reads the request; once it is clear that there is something to send, the
socket is taken over: its descriptor is duplicated, the library's transport aborted, and from
then on the viewer is a link and a cursor like any other.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import cast

import structlog
from aiohttp import web

from slipstream.access import Action, Request
from slipstream.errors import BadNameError
from slipstream.formats import FlvFormat, FlvMultitrackFormat, Format, Greeting
from slipstream.hub import EndReason, FullError, StreamSettings, Subscription, stream_name
from slipstream.log import SyncPoint
from slipstream.net.cursor import Cursor
from slipstream.net.link import Link
from slipstream.net.listener import plain_address
from slipstream.net.served import ServedFigures
from slipstream.net.services import Services
from slipstream.net.wish import BadWishError, Wish, parse_wish

log = structlog.get_logger()

CORS = {"Access-Control-Allow-Origin": "*"}
MEDIA_HEADERS = {
    **CORS,
    "Content-Type": "video/x-flv",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_HEAD = (
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in MEDIA_HEADERS.items()).encode()
    + b"\r\n"
)


class HttpFlv:
    """The route.

    Args:
        services: of this worker.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self.viewers: dict[HttpFlvViewer, None] = {}

    def add_to(self, app: web.Application) -> None:
        """Serve everything that ends in `.flv`; the last extension is always the format."""
        path = r"/{stream:.+}.flv"
        app.router.add_get(path, self._watch, allow_head=False)
        app.router.add_head(path, self._look)
        app.router.add_options(path, self._preflight)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        stream = self._allowed(request)
        if self._services.admissions.exhausted:
            raise web.HTTPServiceUnavailable(text="no more connections\n", headers=CORS)
        form = FlvMultitrackFormat if request.query.get("tracks") == "all" else FlvFormat
        viewer = HttpFlvViewer(self, self._services, _address(request), _wish(request))
        try:
            await viewer.wait_for_start(stream, form)
        except FullError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n", headers=CORS) from error
        if viewer.refused in (EndReason.FULL, EndReason.SHUTDOWN):
            raise web.HTTPServiceUnavailable(text=f"{viewer.refused}\n", headers=CORS)
        if viewer.refused is not None:
            raise web.HTTPNotFound(text=f"{viewer.refused}\n", headers=CORS)
        transport = request.transport
        if transport is None or transport.is_closing():
            viewer.close("left while waiting")
            return web.Response()
        shared = transport.get_extra_info("socket")
        sock = socket.socket(fileno=os.dup(shared.fileno()))
        transport.abort()  # closes the library's descriptor only: no word goes to the peer
        viewer.take_over(sock)
        return web.Response()

    async def _look(self, request: web.Request) -> web.Response:
        name = self._allowed(request)
        stream = self._services.hub.streams.get(name)
        here = stream is not None and stream.is_live
        if not here and not self._services.directory.is_elsewhere(name):
            raise web.HTTPNotFound(headers=CORS)
        return web.Response(headers=MEDIA_HEADERS)

    async def _preflight(self, _: web.Request) -> web.Response:
        return web.Response(status=204, headers={**CORS, "Access-Control-Allow-Methods": "GET"})

    def _allowed(self, request: web.Request) -> str:
        app, _, name = request.match_info["stream"].rpartition("/")
        try:
            stream = stream_name(app, name)
        except BadNameError as error:
            raise web.HTTPNotFound(text=f"{error}\n", headers=CORS) from error
        question = Request(Action.PLAY, stream, _address(request), request.query_string, "http-flv")
        decision = self._services.gate.decide(question, self._services.loop.time())
        if not decision.allowed:
            raise web.HTTPForbidden(text="not allowed\n", headers=CORS)
        return stream


class HttpFlvViewer:
    """The hub's `ViewerPeer`, the cursor's owner and the link's, one after the other."""

    __slots__ = (
        "_cursor",
        "_form",
        "_link",
        "_route",
        "_services",
        "_settings",
        "_started",
        "_subscription",
        "_sync",
        "_wish",
        "address",
        "connection_id",
        "refused",
    )

    protocol = "http-flv"

    def __init__(self, route: HttpFlv, services: Services, address: str, wish: Wish) -> None:
        self.connection_id = services.new_id("flv")
        self.address = address
        self.refused: EndReason | None = None
        self._route = route
        self._services = services
        self._started: asyncio.Event | None = asyncio.Event()
        self._subscription: Subscription | None = None
        self._link: Link | None = None
        self._cursor: Cursor | None = None
        self._form: Format | None = None
        self._sync: SyncPoint | None = None
        self._settings = StreamSettings()
        self._wish = wish

    async def wait_for_start(self, stream: str, form: type[Format]) -> None:
        """Subscribe and wait until there is something to send, or nothing will come.

        Raises:
            FullError: there are too many viewers.
        """
        now = self._services.loop.time()
        delay_ms = self._wish.delay_ms
        self._subscription = self._services.hub.subscribe(
            stream, form, self, now=now, delay_ms=delay_ms
        )
        assert self._started is not None
        try:
            await self._started.wait()
        except asyncio.CancelledError:
            self.close("left while waiting")
            raise
        self._started = None

    def take_over(self, sock: socket.socket) -> None:
        """Send the response's head, the greeting and then the log."""
        services = self._services
        assert self._form is not None
        assert self._subscription is not None
        if self._subscription.ended:
            sock.close()
            return
        services.admissions.opened(self.address)
        services.admissions.settled(self.address)
        self._route.viewers[self] = None
        log.info(
            "play.start",
            id=self.connection_id,
            address=self.address,
            stream=self._subscription.stream.name,
            protocol=self.protocol,
        )
        self._link = link = Link(
            sock, self.address, self, services.loop, leaving=services.farewells
        )
        link.start()
        sync = self._sync
        assert sync is not None
        link.write(_HEAD + self._greeting(sync, again=False))
        self._cursor = Cursor(
            link,
            self._form.log,
            sync,
            self,
            ceiling_ms=self._wish.limit_ms(self._settings),
            stall_s=self._settings.stall_s,
            now=services.loop.time(),
            delay_ms=self._wish.hold_ms(self._settings),
        )
        services.pump.add(self._cursor)

    def close(self, reason: str) -> None:
        """The viewer has gone, or is made to go."""
        losses = self.figures().losses()
        cursor, self._cursor = self._cursor, None
        self._form = self._sync = None  # link and viewer refer to each other: none to a log
        if cursor is not None:
            cursor.leave()
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()
            if self._route.viewers.pop(self, 0) is None:
                self._services.admissions.closed()
                log.info(
                    "play.end",
                    id=self.connection_id,
                    stream=subscription.stream.name,
                    reason=reason,
                    **losses,
                )

    # The hub's side

    def start(self, form: Format, sync: SyncPoint, settings: StreamSettings) -> None:
        """Let the request go on."""
        self._form, self._sync, self._settings = form, sync, settings
        if self._started is not None:
            self._started.set()

    def end(self, reason: EndReason) -> None:
        """The hub sends the viewer away."""
        self.close(str(reason))
        if self._link is not None:
            self._link.close()
        else:
            self.refused = reason
            if self._started is not None:
                self._started.set()

    def has_all(self) -> bool:
        """Whether the viewer has received all there is, or gets nothing."""
        return self._cursor is None or self._cursor.has_all()

    def figures(self) -> ServedFigures:
        """How the viewer fares."""
        return ServedFigures.of(self._cursor)

    # The cursor's side

    def greet(self, sync: SyncPoint) -> bytes:
        """The configurations, after a jump."""
        return self._greeting(sync, again=True)

    def fail(self, reason: str) -> None:
        """The cursor cannot go on."""
        if self._link is not None:
            self._link.fail(reason)

    def _greeting(self, sync: SyncPoint, *, again: bool) -> bytes:
        assert self._form is not None
        greeting = cast(Greeting, sync.greeting)
        return b"".join(self._form.greet(greeting, sync.time_ms, again=again))

    # The link's side

    def received(self, data: bytes) -> None:
        """Whatever a viewer says after its request is of no interest."""

    def lost(self, reason: str) -> None:
        """The link has ended."""
        self.close(reason)


def _wish(request: web.Request) -> Wish:
    try:
        return parse_wish(request.query_string)
    except BadWishError as error:
        raise web.HTTPBadRequest(text=f"{error}\n", headers=CORS) from error


def _address(request: web.Request) -> str:
    return plain_address(request.remote or "")
