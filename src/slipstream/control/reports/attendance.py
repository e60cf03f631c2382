"""Who publishes and who watches, whichever worker has them: found, sorted, and sent away.

A page of a list is asked for from its place on, which is that of the last one shown before. So no
worker is asked for more than a page, however long the list is. A report takes 40 µs, so they are
made of those who are shown, unless the list is sorted by what only a report has; media have their
turn after every few.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from heapq import nlargest, nsmallest
from typing import Any

import orjson
import structlog

from slipstream.control.parts import Parts
from slipstream.control.reports.merge import Answer
from slipstream.control.reports.questions import Questions
from slipstream.control.reports.stream_report import PublisherReport, ViewerReport
from slipstream.errors import SlipstreamError
from slipstream.http.barred import Watching
from slipstream.hub import EndReason, Publication, Rank, Subscription

log = structlog.get_logger()

REPORTS_PER_TURN = 40
LOOKS_PER_TURN = 500  # without a report
PLACE = 3  # values that say where in a list somebody stands

Place = list[Any]
One = Publication | Subscription


SIMPLE: Mapping[str, Callable[[One], object]] = {  # what is known without a report
    "for_s": lambda one: -one.since,  # ages grow from page to page, this does not
    "stream": lambda one: one.stream.name,
    "id": lambda one: one.peer.connection_id,
    "protocol": lambda one: one.peer.protocol,
    "address": lambda one: one.peer.address,
}


class PlaceError(SlipstreamError):
    """It is no place in a list."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of those there are; what is empty leaves nobody out."""

    stream: str = ""
    app: str = ""
    protocol: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list."""

    rows: list[Answer]
    matching: int
    """How many there are in all."""
    next: str | None
    """What `after` has to be for those who follow; None: nobody does."""
    workers_answered: int


class Attendance:
    """Asks all workers, and answers for this one.

    Args:
        parts: of this worker.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._barred = parts.barred
        self._questions = questions = Questions(parts.peers)
        questions.answer_with("list", self._list_here)
        questions.answer_with("connection", self._connection_here)
        questions.answer_with("kick", self._kick_here)
        questions.answer_with("bar", self._bar_here)

    async def page(self, kind: str, wanted: Wanted, *, sort: str, after: str, limit: int) -> Page:
        """Some of those who publish, or watch.

        Args:
            kind: "publishers" or "viewers".
            wanted: which of them.
            sort: a field of their reports, with a '-' before it: the largest first.
            after: `next` of the page before; empty: the first page.
            limit: so many at most.

        Raises:
            PlaceError: `after` is none.
        """
        place = _read_place(after) if after else None
        arguments = {"kind": kind, "wanted": wanted, "sort": sort, "after": place}
        answers = await self._questions.ask("list", limit=limit + 1, **_plain(arguments))
        found = [entry for answer in answers for entry in answer["entries"]]
        entries = _first(found, sort, limit + 1)
        shown = entries[:limit]
        return Page(
            rows=[row for _, row in shown],
            matching=sum(answer["matching"] for answer in answers),
            next=_write_place(shown[-1][0]) if len(entries) > limit else None,
            workers_answered=len(answers),
        )

    async def connection(self, name: str) -> Answer | None:
        """What a connection does; None if it does nothing, or is not there."""
        return _joined(name, await self._questions.ask("connection", name=name))

    async def kick(self, name: str) -> Answer | None:
        """Send somebody away; what the connection did, or None if it did nothing."""
        answers = await self._questions.ask("kick", name=name)
        barred = [watching for answer in answers for watching in answer["barred"]]
        if barred:
            await self._questions.ask("bar", barred=barred)
        return _joined(name, answers)

    async def _list_here(
        self, kind: str, wanted: Answer, sort: str, after: Place | None, limit: int
    ) -> object:
        matching = 0
        at_once = SIMPLE.get(sort.removeprefix("-"))
        per_turn = REPORTS_PER_TURN if at_once is None else LOOKS_PER_TURN
        entries: list[tuple[Place, One]] = []
        for matching, one in enumerate(self._all(kind, Wanted(**wanted)), start=1):
            value = self._figure(one, sort) if at_once is None else at_once(one)
            place = _place(value, one.peer.connection_id, sort)
            if after is None or _comes_after(place, after, sort):
                entries.append((place, one))
            if matching % per_turn == 0:
                entries = _first(entries, sort, limit)
                await asyncio.sleep(0)
        rows = []
        for shown, (place, one) in enumerate(_first(entries, sort, limit), start=1):
            rows.append((place, self._report(one)))
            if shown % REPORTS_PER_TURN == 0:
                await asyncio.sleep(0)
        return {"matching": matching, "entries": rows}

    def _connection_here(self, name: str) -> object:
        return {"publishes": self._publishes(name), "watches": self._watches(name), "barred": []}

    def _kick_here(self, name: str) -> object:
        answer = {"publishes": self._publishes(name), "watches": self._watches(name)}
        with self._barred.collected() as barred:
            for one in list(self._named(name)):
                log.info("operator.kick", id=name, stream=one.stream.name)
                if isinstance(one, Publication):
                    one.end(EndReason.KICKED, _now())
                else:
                    one.end(EndReason.KICKED)
        return {**answer, "barred": list(map(list, barred))}

    def _bar_here(self, barred: Sequence[Sequence[str]]) -> object:
        for watching in barred:
            self._barred.add(Watching(*watching), _now())
        return True

    def _all(self, kind: str, wanted: Wanted) -> Iterator[One]:
        for stream in list(self._parts.hub.streams.values()):
            if wanted.stream and stream.name != wanted.stream:
                continue
            if wanted.app and not stream.name.startswith(f"{wanted.app}/"):
                continue
            ones: Sequence[One] = (
                stream.publications() if kind == "publishers" else list(stream.subscriptions)
            )
            for one in ones:
                if wanted.protocol and one.peer.protocol != wanted.protocol:
                    continue
                if wanted.address and one.peer.address != wanted.address:
                    continue
                yield one

    def _named(self, name: str) -> Iterator[One]:
        """What a connection does here; slates are none."""
        for kind in ("publishers", "viewers"):
            for one in self._all(kind, Wanted()):
                ours = isinstance(one, Publication) and one.rank is Rank.SLATE
                if one.peer.connection_id == name and not ours:
                    yield one

    def _publishes(self, name: str) -> list[PublisherReport]:
        now = _now()
        ones = self._named(name)
        return [PublisherReport.of(one, now) for one in ones if isinstance(one, Publication)]

    def _watches(self, name: str) -> list[ViewerReport]:
        worker, now = self._parts.worker, _now()
        ones = self._named(name)
        return [ViewerReport.of(one, worker, now) for one in ones if isinstance(one, Subscription)]

    def _figure(self, one: One, sort: str) -> object:
        return getattr(self._report(one), sort.removeprefix("-"))

    def _report(self, one: One) -> PublisherReport | ViewerReport:
        if isinstance(one, Publication):
            return PublisherReport.of(one, _now())
        return ViewerReport.of(one, self._parts.worker, _now())


def sortable(report: type) -> list[str]:
    """The fields of a report that a list can be sorted by."""
    plain = ("str", "int", "float", "bool")
    return [
        field.name for field in fields(report) if str(field.type).removesuffix(" | None") in plain
    ]


def _place(value: object, name: str, sort: str) -> Place:
    """Where somebody stands in a list: last if that is not known; ties by their names."""
    return [(value is None) is not sort.startswith("-"), value, name]


def _first(entries: list[Any], sort: str, limit: int) -> list[Any]:
    pick = nlargest if sort.startswith("-") else nsmallest
    return pick(limit, entries, key=lambda entry: entry[0])


def _comes_after(place: Place, last: Place, sort: str) -> bool:
    try:
        return place < last if sort.startswith("-") else place > last
    except TypeError:  # a place in another list
        return False


def _joined(name: str, answers: Sequence[Answer]) -> Answer | None:
    publishes = [one for answer in answers for one in answer["publishes"]]
    watches = [one for answer in answers for one in answer["watches"]]
    if not publishes and not watches:
        return None
    return {"id": name, "publishes": publishes, "watches": watches}


def _write_place(place: Place) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).rstrip(b"=").decode()


def _read_place(text: str) -> Place:
    try:
        place = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError as error:
        raise PlaceError("it is not the 'next' of a page") from error
    if not isinstance(place, list) or len(place) != PLACE or not isinstance(place[0], bool):
        raise PlaceError("it is not the 'next' of a page")
    return place


def _plain(arguments: object) -> Any:
    """As it passes between workers."""
    return orjson.loads(orjson.dumps(arguments))


def _now() -> float:
    """Seconds on the clock of the hub's times."""
    return asyncio.get_running_loop().time()
