"""The HTTP API: health and metrics, and what the server knows of itself and its streams.

    GET /health/live                 the process runs its loop
    GET /health/ready                new connections are welcome
    GET /metrics                     for Prometheus
    GET /api/v1/server               the server as a whole
    GET /api/v1/streams              all streams
    GET /api/v1/streams/{stream}     one stream and its viewers

Read-only. All but health needs the API token. Answers are JSON, errors are problems
(RFC 9457).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from slipstream.control.bearer import Bearer
from slipstream.control.config import Config
from slipstream.control.metrics import CONTENT_TYPE, Metrics
from slipstream.control.parts import Parts
from slipstream.control.problems import problem
from slipstream.control.reports import ServerReport, StreamReport, ViewerReport, WatchedStreamReport

log = structlog.get_logger()

STREAMS_PER_TURN = 10  # in about 2 ms; then media have their turn
VIEWERS_PER_TURN = 100  # likewise
VIEWERS_SHOWN = 100  # unless asked for otherwise
MAX_VIEWERS_SHOWN = 1000

Report = TypeVar("Report")


class Api:
    """The routes; call `add_to()` once.

    Args:
        parts: what is looked at.
        config: whether the metrics are open.
        api_token: what has to be shown for the rest.
    """

    def __init__(self, parts: Parts, config: Config, api_token: str) -> None:
        self._parts = parts
        self._bearer = Bearer(api_token)
        self._open_metrics = config.server.open_metrics
        self._metrics = Metrics(parts)

    def add_to(self, app: web.Application) -> None:
        """Answer on these routes."""
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get("/metrics", self._show_metrics)
        api = web.Application(middlewares=[self._guard])
        api.router.add_get("/server", self._server)
        api.router.add_get("/streams", self._streams)
        api.router.add_get("/streams/{stream:.+}", self._stream)
        app.add_subapp("/api/v1", api)

    async def _live(self, _: web.Request) -> web.Response:
        return _json({"status": "live"})

    async def _ready(self, _: web.Request) -> web.Response:
        if not self._parts.ready:
            return problem(503, "the server is starting or stopping")
        return _json({"status": "ready"})

    async def _show_metrics(self, request: web.Request) -> web.Response:
        if not self._open_metrics:
            refusal = self._bearer.refusal(request, _now())
            if refusal is not None:
                return refusal
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    async def _server(self, _: web.Request) -> web.Response:
        return _json(ServerReport.of(self._parts))

    async def _streams(self, _: web.Request) -> web.Response:
        streams = list(self._parts.hub.streams.values())
        reports = (StreamReport.of(stream, _now()) for stream in streams)
        return _json({"streams": await _in_turns(reports, STREAMS_PER_TURN)})

    async def _stream(self, request: web.Request) -> web.Response:
        stream = self._parts.hub.streams.get(request.match_info["stream"])
        if stream is None:
            return problem(404, "no such stream; the name is APP/NAME")
        shown = request.query.get("viewers", str(VIEWERS_SHOWN))
        if not re.fullmatch("[0-9]{1,4}", shown) or int(shown) > MAX_VIEWERS_SHOWN:
            return problem(400, f"'viewers' is a number from 0 to {MAX_VIEWERS_SHOWN}")
        viewers = list(islice(stream.subscriptions, int(shown)))
        reports = (ViewerReport.of(viewer, _now()) for viewer in viewers)
        return _json(
            WatchedStreamReport(
                stream=StreamReport.of(stream, _now()),
                viewers=await _in_turns(reports, VIEWERS_PER_TURN),
            )
        )

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who has the token; make every error a problem."""
        refusal = self._bearer.refusal(request, _now())
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


async def _in_turns(reports: Iterable[Report], per_turn: int) -> list[Report]:
    """Make all reports, so many at a time."""
    made = []
    for report in reports:
        made.append(report)
        if len(made) % per_turn == 0:
            await asyncio.sleep(0)
    return made


def _json(report: object) -> web.Response:
    return web.Response(
        body=orjson.dumps(report),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _now() -> float:
    """Seconds on the clock of the hub's times."""
    return asyncio.get_running_loop().time()
