"""The page over HTTP.

    GET /                             the streams that are on air
    GET /watch/{app}/{name}           one stream
    GET /embed/{app}/{name}           only its player, for other people's pages
    GET /console                      for operators; it knows nothing but what the API tells
    GET /assets/...                   what these need
    GET /page/streams.json            what the list shows
    GET /page/stream/{stream}.json    what is known of one stream
    GET /page/licences.txt            of the packages in it

All addresses in the document are relative, so that a proxy may serve it below any path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import orjson
from aiohttp import web

from slipstream.access import Action, Request
from slipstream.http.access import allowed_stream
from slipstream.net.services import Services
from slipstream.page.body import Body
from slipstream.page.files import Files
from slipstream.page.kept import Kept
from slipstream.page.listing import ListedStream, Streams, ways
from slipstream.page.settings import PageSettings

PROTOCOL = "page"
MOST_LISTED = 200  # streams, those with most viewers: what a page can show and a phone can load
KEPT_S = 1.0
MOST_KEPT = 512  # answers about single streams, 1 KB each
KEPT_FOR_EVER = "public, max-age=31536000, immutable"

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "media-src": "'self' blob:",  # media sources
    "connect-src": "'self'",
    "worker-src": "'self' blob:",  # players parse in workers that they make themselves
    "base-uri": "'self'",
    "form-action": "'none'",
}
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}


class Page:
    """The routes; call `add_to()` once.

    Args:
        services: of this worker.
        streams: what there is to see.
        settings: what of it is shown.
        extensions: the formats that the server has.
        rtmp_port: where encoders publish.
        open_to_publish: whether anybody may publish to the application `live`.
        files: the built page.
    """

    def __init__(
        self,
        services: Services,
        streams: Streams,
        settings: Callable[[], PageSettings],
        *,
        extensions: Sequence[str],
        rtmp_port: int,
        open_to_publish: Callable[[], bool],
        files: Files | None = None,
    ) -> None:
        self._services = services
        self._streams = streams
        self._settings = settings
        self._ways = ways(extensions)
        self._rtmp_port = rtmp_port
        self._open_to_publish = open_to_publish
        self._files = files or Files()
        self._kept: Kept[Body] = Kept(KEPT_S, MOST_KEPT)

    def add_to(self, app: web.Application) -> None:
        """Answer on these routes, if there is to be a page."""
        if not self._settings().enabled:
            return
        app.router.add_get("/", self._list)
        app.router.add_get("/watch/{stream:.+/.+}", self._watch)
        app.router.add_get("/embed/{stream:.+/.+}", self._embed)
        if self._settings().console:
            app.router.add_get("/console", self._list)
        app.router.add_get("/page/streams.json", self._tell_all)
        app.router.add_get("/page/stream/{stream:.+}.json", self._tell_one)
        app.router.add_get("/page/licences.txt", self._licences)
        for name in self._files.assets:
            app.router.add_get(f"/assets/{name}", self._asset)

    async def _list(self, request: web.Request) -> web.Response:
        return await self._document(request, "'none'")

    async def _watch(self, request: web.Request) -> web.Response:
        return await self._stream(request, "'none'")

    async def _embed(self, request: web.Request) -> web.Response:
        return await self._stream(request, "*")

    async def _stream(self, request: web.Request, ancestors: str) -> web.Response:
        """The page of a stream; who may not watch gets one that says so, in words for people."""
        try:
            await allowed_stream(self._services, request, PROTOCOL, {})
        except web.HTTPForbidden:
            return await self._document(request, ancestors, refused=True)
        return await self._document(request, ancestors)

    async def _document(
        self, request: web.Request, ancestors: str, *, refused: bool = False
    ) -> web.Response:
        up = "../" * (request.rel_url.raw_path.count("/") - 1) or "./"
        headers = {
            **HEADERS,
            "Cache-Control": "no-cache",
            "Content-Security-Policy": _policy(ancestors),
        }
        document = self._files.document(up, refused=refused)
        return await document.response(request, headers, 403 if refused else 200)

    async def _asset(self, request: web.Request) -> web.Response:
        name = request.path.rpartition("/")[2]
        headers = {**HEADERS, "Cache-Control": KEPT_FOR_EVER}
        return await self._files.asset(name).response(request, headers)

    async def _licences(self, request: web.Request) -> web.Response:
        return await self._files.licences.response(request, HEADERS)

    async def _tell_all(self, request: web.Request) -> web.Response:
        return await self._tell(request, await self._kept.get("", self._all))

    async def _tell_one(self, request: web.Request) -> web.Response:
        name = await allowed_stream(self._services, request, PROTOCOL, {})

        async def one() -> Body:
            return _json(self._shown(await self._streams.one(name)))

        return await self._tell(request, await self._kept.get(name, one))

    async def _tell(self, request: web.Request, body: Body) -> web.Response:
        return await body.response(request, {**HEADERS, "Cache-Control": "no-cache"})

    async def _all(self) -> Body:
        is_listed = self._settings().list
        listed = await self._streams.all() if is_listed else []
        shown = [one for one in listed if one.is_on_air and self._is_open(one.name)]
        shown.sort(key=lambda one: (-one.viewers, one.name))
        return _json(
            {
                "listed": is_listed,
                "count": len(shown),
                "streams": [self._shown(one) for one in shown[:MOST_LISTED]],
                "publish": {"rtmp_port": self._rtmp_port, "key": not self._open_to_publish()},
            }
        )

    def _shown(self, stream: ListedStream) -> Mapping[str, object]:
        return {**asdict(stream), "ways": self._ways}

    def _is_open(self, name: str) -> bool:
        """Whether anybody may play it, whoever it is."""
        anybody = Request(Action.PLAY, name, address="", query="", protocol=PROTOCOL)
        return self._services.gate.decide(anybody, self._services.loop.time()).allowed


def _policy(ancestors: str) -> str:
    """Nothing but what the page is made of, and nobody around it but `ancestors`."""
    rules = {**POLICY, "frame-ancestors": ancestors}
    return "; ".join(f"{what} {whence}" for what, whence in rules.items())


def _json(value: object) -> Body:
    return Body(orjson.dumps(value), "application/json")
