"""The HTTP API: health and metrics, what the server knows of itself, and what it can be told.

    GET /health/live                          the process runs its loop
    GET /health/ready                         new connections are welcome
    GET /metrics                              for Prometheus
    GET /api/v1/server                        the server as a whole
    GET /api/v1/streams                       all streams
    GET /api/v1/streams/{stream}              one stream and its viewers
    POST /api/v1/streams/{stream}/switch      put another publisher on air

Each answer is about the whole server, whichever worker gives it. All but health needs the API
token. Answers are JSON, errors are problems (RFC 9457).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from slipstream.control.alarm import Alarm
from slipstream.control.bearer import Bearer
from slipstream.control.config import Config
from slipstream.control.counters import Counters
from slipstream.control.metrics import CONTENT_TYPE, render_metrics
from slipstream.control.overview import Overview
from slipstream.control.parts import Parts
from slipstream.control.problems import problem
from slipstream.control.vitals import Vitals

log = structlog.get_logger()

VIEWERS_SHOWN = 100  # unless asked for otherwise
MAX_VIEWERS_SHOWN = 1000


class Api:
    """The routes; call `add_to()` once.

    Attributes:
        overview: asks all workers.

    Args:
        parts: of this worker, just made.
        config: whether the metrics are open, and when an alert is raised.
        api_token: what has to be shown for the rest.
    """

    def __init__(self, parts: Parts, config: Config, api_token: str) -> None:
        self._parts = parts
        self._bearer = Bearer(api_token, parts.peers, parts.worker)
        self._open_metrics = config.server.open_metrics
        self._metrics_streams = config.server.metrics_streams
        counters = Counters(parts)
        self._vitals = Vitals(parts, counters)
        self._alarm = Alarm(parts.hub, config.alert_settings)
        self.overview = Overview(parts, counters, self._vitals, self._alarm)

    def add_to(self, app: web.Application) -> None:
        """Answer on these routes."""
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get("/metrics", self._show_metrics)
        api = web.Application(middlewares=[self._guard])
        api.router.add_get("/server", self._server)
        api.router.add_get("/streams", self._streams)
        api.router.add_get("/streams/{stream:.+}", self._stream)
        api.router.add_post("/streams/{stream:.+}/switch", self._switch)
        app.add_subapp("/api/v1", api)
        app.cleanup_ctx.append(self._look_after_worker)
        app.on_response_prepare.append(self._send_elsewhere)

    async def _live(self, _: web.Request) -> web.Response:
        return _json({"status": "live"})

    async def _ready(self, _: web.Request) -> web.Response:
        if not await self.overview.ready():
            return problem(503, "the server is starting or stopping")
        return _json({"status": "ready"})

    async def _show_metrics(self, request: web.Request) -> web.Response:
        if not self._open_metrics:
            refusal = await self._bearer.refusal(request)
            if refusal is not None:
                return refusal
        details = await self.overview.details(self._metrics_streams)
        page = await render_metrics(await self.overview.server(), details)
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE})

    async def _server(self, _: web.Request) -> web.Response:
        return _json(await self.overview.server())

    async def _streams(self, _: web.Request) -> web.Response:
        return _json(await self.overview.streams())

    async def _stream(self, request: web.Request) -> web.Response:
        shown = request.query.get("viewers", str(VIEWERS_SHOWN))
        if not re.fullmatch("[0-9]{1,4}", shown) or int(shown) > MAX_VIEWERS_SHOWN:
            return problem(400, f"'viewers' is a number from 0 to {MAX_VIEWERS_SHOWN}")
        report = await self.overview.stream(request.match_info["stream"], int(shown))
        return (
            problem(404, "no such stream; the name is APP/NAME")
            if report is None
            else _json(report)
        )

    async def _switch(self, request: web.Request) -> web.Response:
        try:
            publisher = _publisher(await request.read())
        except ValueError:
            return problem(400, 'the body is empty, or {"publisher": ID}')
        report = await self.overview.switch(request.match_info["stream"], publisher)
        if report is None:
            return problem(404, "nobody publishes such a stream; the name is APP/NAME")
        if report["publisher"] is None:
            return problem(409, "there is no such standby that is ready")
        return _json(report)

    async def _look_after_worker(self, _: web.Application) -> AsyncIterator[None]:
        self._vitals.start()
        self._alarm.start()
        yield
        self._alarm.stop()
        self._vitals.stop()

    async def _send_elsewhere(self, _: web.Request, response: web.StreamResponse) -> None:
        """A worker that accepts nobody any more keeps nobody: the next request finds another."""
        if not self._parts.ready:
            response.headers["Connection"] = "close"
            response.force_close()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who has the token; make every error a problem."""
        refusal = await self._bearer.refusal(request)
        if refusal is not None:
            return refusal
        try:
            return await handler(request)
        except web.HTTPMethodNotAllowed as error:
            return problem(405, headers={"Allow": ", ".join(sorted(error.allowed_methods))})
        except web.HTTPException as error:
            return problem(error.status)
        except Exception:
            log.exception("api.failed", path=request.path)
            return problem(500)


def _publisher(body: bytes) -> str | None:
    """Whom the body names.

    Raises:
        ValueError: it is something else, or no JSON.
    """
    if not body:
        return None
    wish = orjson.loads(body)
    if isinstance(wish, dict) and wish.keys() <= {"publisher"}:
        publisher = wish.get("publisher")
        if publisher is None or isinstance(publisher, str):
            return publisher
    raise ValueError("no such wish")


def _json(report: object) -> web.Response:
    return web.Response(
        body=orjson.dumps(report),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
