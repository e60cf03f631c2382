"""Streams: all of them, one with its viewers, and which of its publishers is on air."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, Field

from slipstream.access import Role
from slipstream.control.api.problems import ProblemError
from slipstream.control.api.route import Call, Model, Route
from slipstream.control.metrics.figures import StreamState
from slipstream.control.reports.overview import Overview
from slipstream.control.reports.stream_report import (
    StreamReport,
    SwitchReport,
    ViewerReport,
)

NO_STREAM = "There is no such stream."


class StreamsQuery(Model):
    """Which streams."""

    app: str = Field(default="", description="Only those of this application.")
    state: list[StreamState] = Field(
        default=[], description="Only those in this state; may be there several times."
    )
    after: str = Field(default="", description="`next` of the page before.")
    limit: int = Field(default=100, ge=1, le=1000, description="So many at most.")


class Streams(BaseModel):
    """Streams, by name."""

    streams: list[StreamReport]
    next: str | None
    workers_answered: int
    workers_expected: int


class StreamQuery(Model):
    """How much of a stream."""

    viewers: int = Field(default=100, ge=0, le=1000, description="So many viewers at most.")


class WatchedStream(BaseModel):
    """A stream and those who watch it, the longest first."""

    stream: StreamReport
    viewers: list[ViewerReport]
    workers_answered: int
    workers_expected: int


class SwitchBody(Model):
    """Who shall go on air."""

    publisher: str | None = Field(
        default=None, description="The standby's id; without it, the first that is ready."
    )


class StreamsResource:
    """See the module.

    Args:
        overview: asks all workers.
    """

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def routes(self) -> Iterable[Route]:
        """All of them."""
        path = "/api/v1/streams"
        return (
            Route("GET", path, "Streams, by name", self._all, Streams, query=StreamsQuery),
            Route(
                *("GET", f"{path}/{{stream}}", "One stream and its viewers", self._one),
                answer=WatchedStream,
                query=StreamQuery,
                problems={404: NO_STREAM},
            ),
            Route(
                *("POST", f"{path}/{{stream}}/switch", "Put a standby on air", self._switch),
                answer=SwitchReport,
                role=Role.OPERATE,
                body=SwitchBody,
                problems={404: "Nobody publishes such a stream.", 409: "No such standby is ready."},
            ),
        )

    async def _all(self, call: Call) -> object:
        wish: StreamsQuery = call.query
        return await self._overview.streams(
            app=wish.app, states=wish.state, after=wish.after, limit=wish.limit
        )

    async def _one(self, call: Call) -> object:
        wish: StreamQuery = call.query
        report = await self._overview.stream(call.path["stream"], wish.viewers)
        if report is None:
            raise ProblemError(404, "no such stream; the name is APP/NAME")
        return report

    async def _switch(self, call: Call) -> object:
        wish: SwitchBody = call.body
        report = await self._overview.switch(call.path["stream"], wish.publisher)
        if report is None:
            raise ProblemError(404, "nobody publishes such a stream; the name is APP/NAME")
        if report["publisher"] is None:
            raise ProblemError(409, "there is no such standby that is ready")
        return report
