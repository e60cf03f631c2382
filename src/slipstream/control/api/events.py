"""What happens to streams and connections, as it happens, and what has happened lately."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
from pydantic import BaseModel, Field

from slipstream.control.api.following import Following, wants_to_follow
from slipstream.control.api.route import Call, Model, Route
from slipstream.control.logs.fields import clean
from slipstream.control.logs.ring import Ring
from slipstream.control.parts import Parts
from slipstream.control.reports.tail import Position, Tail, Where
from slipstream.hub import Notice, NoticeKind

EVENTS_KEPT = 512  # of one worker, about 1 KB each


class EventsQuery(Model):
    """Which events."""

    kind: list[NoticeKind] = Field(
        default=[], description="Only those of this kind; may be there several times."
    )
    stream: str = Field(default="", description="Only those of this stream, APP/NAME.")
    after: str = Field(
        default="", description="`position` of an earlier answer: only what has come since."
    )
    limit: int = Field(
        default=100, ge=0, le=500, description="So many of the newest, if there is no `after`."
    )


class EventReport(BaseModel):
    """One thing that happened; what is not known is empty."""

    time: datetime = Field(description="When.")
    kind: NoticeKind = Field(description="What.")
    stream: str = Field(description="`APP/NAME`, or `APP` where no stream was named yet.")
    id: str = Field(description="Of the connection, as in the log.")
    address: str = Field(description="Of the peer.")
    protocol: str = Field(description="What it speaks.")
    client: str = Field(description="What it calls itself.")
    reason: str = Field(description="Why.")
    detail: dict[str, Any] = Field(description="What else is known: texts and numbers by name.")


class Events(BaseModel):
    """What has happened lately, oldest first."""

    events: list[EventReport]
    position: str = Field(description="Behind the newest of them: `after` for what follows.")
    missed: int = Field(description="How many since `after` are not kept any more.")


# Kind and stream of a notice, and all that is told of it in JSON: what the garbage collector
# need not look at, since hundreds are kept. As text, for each answer of orjson holds 4 KiB.
Happening: TypeAlias = tuple[str, str, str]


class EventsResource:
    """See the module.

    Args:
        parts: of this worker.
        following: those who follow.
    """

    def __init__(self, parts: Parts, following: Following) -> None:
        self._following = following
        self._ring: Ring[Happening] = Ring(EVENTS_KEPT)
        self._tail = Tail("events", parts, self._ring, _show, _matches)
        parts.hub.notices.listeners.append(self._note)

    def routes(self) -> Iterable[Route]:
        """All of them."""
        return (
            Route(
                *("GET", "/api/v1/events", "What happens", self._events, Events),
                query=EventsQuery,
                problems={503: "Too many follow already."},
                streams=True,
            ),
        )

    def _note(self, notice: Notice) -> None:
        self._ring.append((str(notice.kind), notice.stream, orjson.dumps(_told(notice)).decode()))

    async def _events(self, call: Call) -> object:
        wish: EventsQuery = call.query
        where = {"kinds": wish.kind, "stream": wish.stream}
        if wants_to_follow(call):
            return await self._following.follow(
                *(call, self._tail, where), newest=0, name=lambda event: str(event["kind"])
            )
        news = await self._tail.news(Position.parse(wish.after), where, wish.limit)
        events = [event for _, event in news.items]
        return {"events": events, "position": str(news.position), "missed": news.missed}


def _show(happening: Happening) -> Mapping[str, object]:
    event: Mapping[str, object] = orjson.loads(happening[2])
    return event


def _told(notice: Notice) -> Mapping[str, object]:
    texts = {
        name: clean(name, getattr(notice, name))
        for name in ("stream", "id", "address", "protocol", "client", "reason")
    }
    detail = {name: clean(name, value) for name, value in notice.detail.items()}
    return {"time": datetime.now(UTC), "kind": notice.kind, **texts, "detail": detail}


def _matches(happening: Happening, where: Where) -> bool:
    kind, stream, _ = happening
    return (not where["kinds"] or kind in where["kinds"]) and (
        not where["stream"] or stream == where["stream"]
    )
