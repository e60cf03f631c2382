"""Whether the server lives and welcomes newcomers, and what it measures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from slipstream.control.api.problems import ProblemError
from slipstream.control.api.route import Call, Route
from slipstream.control.configuration.live import LiveConfig
from slipstream.control.metrics.metrics import CONTENT_TYPE, render_metrics
from slipstream.control.reports.overview import Overview

METRICS = "/metrics"  # for everybody, if the configuration in force says so


class Live(BaseModel):
    """`/health/live`."""

    status: Literal["live"] = Field(description="Always `live`.")


class Ready(BaseModel):
    """`/health/ready`."""

    status: Literal["ready"] = Field(description="Always `ready`.")


class Health:
    """See the module.

    Args:
        overview: asks all workers.
        live: of how many streams is told one by one.
    """

    def __init__(self, overview: Overview, live: LiveConfig) -> None:
        self._overview = overview
        self._live_config = live

    def routes(self) -> Iterable[Route]:
        """All of them."""
        return (
            Route("GET", "/health/live", "Whether it runs", self._live, Live, role=None),
            Route(
                *("GET", "/health/ready", "Whether newcomers are welcome", self._ready, Ready),
                role=None,
                problems={503: "The server is starting or stopping."},
            ),
            Route(
                *("GET", METRICS, "Figures for Prometheus", self._metrics, str),
                content_type="text/plain",
            ),
        )

    async def _live(self, _: Call) -> object:
        return {"status": "live"}

    async def _ready(self, _: Call) -> object:
        if not await self._overview.ready():
            raise ProblemError(503, "the server is starting or stopping")
        return {"status": "ready"}

    async def _metrics(self, _: Call) -> object:
        details = await self._overview.details(self._live_config.config.server.metrics_streams)
        page = await render_metrics(await self._overview.server(), details)
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE})
