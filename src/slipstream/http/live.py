"""Live media over HTTP, as responses without an end: `GET /{app}/{name}.flv` and `.ts`.

The same address asked for as a WebSocket gives the same bytes in messages, for FLV.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from slipstream.formats import (
    CmafFormat,
    FlvFormat,
    FlvMultitrackFormat,
    Format,
    TsFormat,
    WsFlvFormat,
    WsFlvMultitrackFormat,
    selected,
)
from slipstream.http.access import allowed_tracks, visitor
from slipstream.http.origins import Origins
from slipstream.http.takeover import take_link
from slipstream.http.viewer import HttpViewer
from slipstream.http.websocket import WebSocketError, accept
from slipstream.http.ws_viewer import WsViewer
from slipstream.hub import EndReason, FullError
from slipstream.net.services import Services
from slipstream.net.wish import BadWishError, Wish, parse_wish


@dataclass(frozen=True, slots=True)
class Carrier:
    """One way to carry a stream."""

    protocol: str
    form: type[Format]
    multitrack: type[Format]
    viewer: type[HttpViewer]


@dataclass(frozen=True, slots=True)
class Media:
    """What an extension stands for."""

    content_type: str
    response: Carrier
    websocket: Carrier | None


MEDIA = {
    "flv": Media(
        "video/x-flv",
        Carrier("http-flv", FlvFormat, FlvMultitrackFormat, HttpViewer),
        Carrier("ws-flv", WsFlvFormat, WsFlvMultitrackFormat, WsViewer),
    ),
    "mp4": Media("video/mp4", Carrier("http-mp4", CmafFormat, CmafFormat, HttpViewer), None),
    "ts": Media("video/mp2t", Carrier("http-ts", TsFormat, TsFormat, HttpViewer), None),
}


class HttpLive:
    """The routes.

    Args:
        services: of this worker.
    """

    def __init__(self, services: Services) -> None:
        self.viewers: dict[HttpViewer, None] = {}
        self._services = services
        self._origins = Origins(lambda: services.settings.allowed_origins)

    def add_to(self, app: web.Application) -> None:
        """Serve every name with an extension of ours; the last one is always the format."""
        path = rf"/{{stream:.+}}.{{extension:{'|'.join(MEDIA)}}}"
        app.router.add_get(path, self._watch, allow_head=False)
        app.router.add_head(path, self._look)
        app.router.add_options(path, self._origins.preflight)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        media = MEDIA[request.match_info["extension"]]
        cors = self._origins.headers(request)
        carrier, upgraded = media.response, b""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if media.websocket is None:
                raise web.HTTPBadRequest(text="no WebSockets for this format\n", headers=cors)
            upgraded, carrier = self._upgrade(request, cors), media.websocket
        stream, tracks, grant = await allowed_tracks(
            self._services, request, carrier.protocol, cors
        )
        if self._services.admissions.exhausted:
            raise web.HTTPServiceUnavailable(text="no more connections\n", headers=cors)
        form = carrier.multitrack if request.query.get("tracks") == "all" else carrier.form
        if tracks is not None:
            form = selected(carrier.form, tracks)
        viewer = carrier.viewer(
            self.viewers,
            self._services,
            visitor(request),
            _wish(request, cors),
            carrier.protocol,
        )
        try:
            await viewer.wait_for_start(stream, form, grant)
        except FullError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n", headers=cors) from error
        if viewer.refused in (EndReason.FULL, EndReason.SHUTDOWN):
            raise web.HTTPServiceUnavailable(text=f"{viewer.refused}\n", headers=cors)
        if viewer.refused is not None:
            raise web.HTTPNotFound(text=f"{viewer.refused}\n", headers=cors)
        transport = request.transport
        if transport is None or transport.is_closing():
            viewer.close("left while waiting")
            return web.Response()
        link = take_link(transport, viewer.address, self._services)
        left_out = ", ".join(form.left_out(viewer.greeting))
        viewer.take_over(link, upgraded or _opening(media, cors, left_out), left_out)
        return web.Response()

    def _upgrade(self, request: web.Request, cors: Mapping[str, str]) -> bytes:
        """The head of the answer to somebody who wants a WebSocket."""
        if not self._origins.allows(request):
            raise web.HTTPForbidden(text="not from this page\n")
        try:
            key = accept(request.headers)
        except WebSocketError as error:
            headers = {**cors, "Sec-WebSocket-Version": "13"}
            raise web.HTTPBadRequest(text=f"{error}\n", headers=headers) from error
        return _head(
            "101 Switching Protocols",
            {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Accept": key},
        )

    async def _look(self, request: web.Request) -> web.Response:
        media = MEDIA[request.match_info["extension"]]
        cors = self._origins.headers(request)
        name, _, _ = await allowed_tracks(self._services, request, media.response.protocol, cors)
        stream = self._services.hub.streams.get(name)
        here = stream is not None and stream.is_live
        if not here and not self._services.directory.is_elsewhere(name):
            raise web.HTTPNotFound(headers=cors)
        return web.Response(headers=_headers(media, cors))


def _headers(media: Media, cors: Mapping[str, str]) -> dict[str, str]:
    return {
        **cors,
        "Content-Type": media.content_type,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


def _opening(media: Media, cors: Mapping[str, str], left_out: str) -> bytes:
    """The head of an endless response."""
    reason = {"X-Left-Out": left_out} if left_out else {}
    return _head("200 OK", {"Connection": "close", **_headers(media, cors), **reason})


def _head(status: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _wish(request: web.Request, cors: Mapping[str, str]) -> Wish:
    try:
        return parse_wish(request.query_string)
    except BadWishError as error:
        raise web.HTTPBadRequest(text=f"{error}\n", headers=cors) from error
