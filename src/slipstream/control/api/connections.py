"""Publishers and viewers, of all streams; one connection; and sending somebody away."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, Field

from slipstream.access import Role
from slipstream.control.api.problems import ProblemError
from slipstream.control.api.route import Call, Model, Route
from slipstream.control.parts import Parts
from slipstream.control.reports.attendance import Attendance, PlaceError, Wanted, sortable
from slipstream.control.reports.stream_report import PublisherReport, ViewerReport

PUBLISHERS, VIEWERS = "publishers", "viewers"
NOBODY = "no such connection publishes or watches"


def _orders(report: type) -> str:
    """What a list of these reports can be sorted by."""
    return f"^-?({'|'.join(sortable(report))})$"


class Filter(Model):
    """Which of them; what is empty leaves nobody out."""

    stream: str = Field(default="", description="Only those of this stream, APP/NAME.")
    app: str = Field(default="", description="Only those of this application.")
    protocol: str = Field(default="", description="Only those who speak this.")
    address: str = Field(default="", description="Only those from this address.")
    after: str = Field(default="", description="`next` of the page before.")
    limit: int = Field(default=100, ge=1, le=200, description="So many at most.")


class PublishersQuery(Filter):
    """Which publishers, in which order."""

    sort: str = Field(
        default="stream",
        pattern=_orders(PublisherReport),
        description="A field of theirs; with a '-' before it, the largest first.",
    )


class ViewersQuery(Filter):
    """Which viewers, in which order."""

    sort: str = Field(
        default="-for_s",
        pattern=_orders(ViewerReport),
        description="A field of theirs; with a '-' before it, the largest first.",
    )


class ListPage(BaseModel):
    """What all lists have."""

    matching: int = Field(description="How many there are in all.")
    next: str | None = Field(
        description="What `after` has to be for the next page; null: there is none."
    )
    workers_answered: int
    workers_expected: int


class Publishers(ListPage):
    """Some of the publishers."""

    publishers: list[PublisherReport]


class Viewers(ListPage):
    """Some of the viewers."""

    viewers: list[ViewerReport]


class Connection(BaseModel):
    """What a connection does."""

    id: str = Field(description="As in the log.")
    publishes: list[PublisherReport] = Field(description="What it publishes.")
    watches: list[ViewerReport] = Field(description="What it watches.")


class Connections:
    """See the module.

    Args:
        parts: of this worker.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._attendance = Attendance(parts)

    def routes(self) -> Iterable[Route]:
        """All of them."""
        one = "/api/v1/connections/{id}"
        nobody = {404: "No such connection publishes or watches."}
        return (
            Route(
                *("GET", "/api/v1/publishers", "Publishers of all streams", self._publishers),
                answer=Publishers,
                query=PublishersQuery,
            ),
            Route(
                *("GET", "/api/v1/viewers", "Viewers of all streams", self._viewers),
                answer=Viewers,
                query=ViewersQuery,
            ),
            Route("GET", one, "What a connection does", self._one, Connection, problems=nobody),
            Route(
                *("DELETE", one, "Send somebody away", self._kick, Connection, Role.OPERATE),
                problems=nobody,
            ),
        )

    async def _publishers(self, call: Call) -> object:
        return await self._page(PUBLISHERS, call.query)

    async def _viewers(self, call: Call) -> object:
        return await self._page(VIEWERS, call.query)

    async def _page(self, kind: str, wish: PublishersQuery | ViewersQuery) -> object:
        wanted = Wanted(wish.stream, wish.app, wish.protocol, wish.address)
        try:
            page = await self._attendance.page(
                kind, wanted, sort=wish.sort, after=wish.after, limit=wish.limit
            )
        except PlaceError as error:
            raise ProblemError(400, f"'after': {error}") from error
        return {
            kind: page.rows,
            "matching": page.matching,
            "next": page.next,
            "workers_answered": page.workers_answered,
            "workers_expected": self._parts.workers,
        }

    async def _one(self, call: Call) -> object:
        found = await self._attendance.connection(call.path["id"])
        if found is None:
            raise ProblemError(404, NOBODY)
        return found

    async def _kick(self, call: Call) -> object:
        found = await self._attendance.kick(call.path["id"])
        if found is None:
            raise ProblemError(404, NOBODY)
        return found
