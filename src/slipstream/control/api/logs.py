"""The newest lines of the log, of all workers, and those that come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field

from slipstream.control.api.following import Following, wants_to_follow
from slipstream.control.api.route import Call, Model, Route
from slipstream.control.logs.logs import Event
from slipstream.control.parts import Parts
from slipstream.control.reports.tail import Position, Tail, Where

HEAD = ("time", "level", "event")


class LogLevel(StrEnum):
    """How important a line is, the least important first."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


RANKS = [str(level) for level in LogLevel]


class LogsQuery(Model):
    """Which lines."""

    level: LogLevel = Field(default=LogLevel.DEBUG, description="The least important ones.")
    event: str = Field(default="", description="Only events that begin like this: `publish.`")
    after: str = Field(
        default="", description="`position` of an earlier answer: only what has come since."
    )
    limit: int = Field(
        default=100, ge=0, le=500, description="So many of the newest, if there is no `after`."
    )


class LogLine(BaseModel):
    """One line."""

    time: datetime = Field(description="When.")
    level: LogLevel = Field(description="How important it is.")
    event: str = Field(description="What happened.")
    fields: dict[str, Any] = Field(description="What else the line says, by name.")


class LogLines(BaseModel):
    """The newest lines, oldest first."""

    lines: list[LogLine]
    position: str = Field(description="Behind the newest of them: `after` for what follows.")
    missed: int = Field(description="How many since `after` are not kept any more.")


class LogsResource:
    """See the module.

    Args:
        parts: of this worker.
        following: those who follow.
    """

    def __init__(self, parts: Parts, following: Following) -> None:
        self._following = following
        self._tail = Tail("log", parts, parts.logs.recent, _show, _matches)

    def routes(self) -> Iterable[Route]:
        """All of them."""
        return (
            Route(
                *("GET", "/api/v1/logs", "Lines of the log", self._lines, LogLines),
                query=LogsQuery,
                problems={503: "Too many follow already."},
                streams=True,
            ),
        )

    async def _lines(self, call: Call) -> object:
        wish: LogsQuery = call.query
        where = {"rank": RANKS.index(wish.level), "event": wish.event}
        if wants_to_follow(call):
            return await self._following.follow(
                *(call, self._tail, where), newest=wish.limit, name=lambda _: "line"
            )
        news = await self._tail.news(Position.parse(wish.after), where, wish.limit)
        lines = [line for _, line in news.items]
        return {"lines": lines, "position": str(news.position), "missed": news.missed}


def _show(line: Event) -> Mapping[str, object]:
    fields = {name: value for name, value in line.items() if name not in HEAD}
    return {**{name: line[name] for name in HEAD}, "fields": fields}


def _matches(line: Event, where: Where) -> bool:
    important = RANKS.index(line["level"]) >= where["rank"]
    return important and str(line["event"]).startswith(where["event"])
