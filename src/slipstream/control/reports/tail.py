"""What comes in all workers, joined in one order: what is newest, and what has come since.

Each worker keeps the newest of its own in a ring. Whoever reads says how far it has read each of
them, and gets the rest: so nothing waits in a queue for a reader, a slow one costs no memory, and
one that comes back, to whichever worker, goes on where it was.

A place is written `e1a2.1-17.2-40`: which server, then how far in each worker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

from slipstream.control.logs.ring import Ring
from slipstream.control.parts import Parts
from slipstream.control.reports.merge import Answer
from slipstream.control.reports.questions import Questions

Item = TypeVar("Item")
Where = Mapping[str, Any]

MAX_LOOKS = 200  # at what a worker keeps, per question
_PLACE = re.compile(r"([0-9a-f]+)((?:\.[0-9]{1,15}-[0-9]{1,15}){0,1024})")


@dataclass(slots=True)
class Position:
    """How far somebody has read."""

    server: str = ""
    """Which server; empty: none yet."""
    read: dict[int, int] = field(default_factory=dict)
    """The number of the last one read, by worker."""

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read a place; one that cannot be read is none yet."""
        found = _PLACE.fullmatch(text)
        if found is None:
            return cls()
        pairs = (pair.split("-") for pair in found[2].split(".")[1:])
        return cls(found[1], {int(worker): int(number) for worker, number in pairs})

    def __str__(self) -> str:
        numbers = (f".{worker}-{number}" for worker, number in sorted(self.read.items()))
        return self.server + "".join(numbers)


@dataclass(frozen=True, slots=True)
class News:
    """What has come."""

    items: list[tuple[str, Answer]]
    """Each with the place behind it, in the order of their times."""
    missed: int
    """How many are forgotten that had not been read."""
    position: Position
    """Behind all of it."""


class Tail(Generic[Item]):
    """Asks all workers, and answers for this one.

    Args:
        name: of the question.
        parts: of this worker.
        ring: what this worker keeps.
        show: makes what is told of one, with its `time` (ISO 8601, UTC).
        matches: whether somebody wants to know of one.
    """

    def __init__(
        self,
        name: str,
        parts: Parts,
        ring: Ring[Item],
        show: Callable[[Item], Mapping[str, object]],
        matches: Callable[[Item, Where], bool],
    ) -> None:
        self._name = name
        self._parts = parts
        self._ring = ring
        self._show = show
        self._matches = matches
        self._questions = Questions(parts.peers)
        self._questions.answer_with(name, self._answer)

    async def news(self, position: Position, where: Where, newest: int = 0) -> News:
        """What has come since.

        Args:
            position: how far somebody has read.
            where: of what they want to know.
            newest: if they have read nothing yet, they get so many of the newest.
        """
        server = f"{round(self._parts.ledger.started_at):x}"
        known = position.server == server
        read = {str(worker): number for worker, number in position.read.items()} if known else None
        answers = await self._questions.ask(self._name, read=read, where=where, newest=newest)
        rows = [
            (answer["worker"], number, item)
            for answer in answers
            for number, item in answer["items"]
        ]
        rows.sort(key=lambda row: (row[2]["time"], row[0], row[1]))
        if not known and newest:
            rows = rows[-newest:]
        behind = Position(server, dict(position.read) if known else {})
        for answer in answers:
            behind.read.setdefault(answer["worker"], answer["from"])
        items = []
        for worker, number, item in rows:
            behind.read[worker] = number
            items.append((str(behind), item))
        behind.read.update({answer["worker"]: answer["to"] for answer in answers})
        return News(items, sum(answer["missed"] for answer in answers), behind)

    def _answer(self, read: Mapping[str, int] | None, where: Where, newest: int) -> object:
        ring, worker = self._ring, self._parts.worker
        if read is None:
            kept = [pair for pair in ring.after(0) if self._matches(pair[1], where)]
            found, start, to = kept[len(kept) - min(newest, len(kept)) :], ring.head, ring.head
            missed = 0
        else:
            start = read.get(str(worker), 0)
            start = 0 if start > ring.head else start
            missed = max(ring.oldest - start - 1, 0)
            looked = list(islice(ring.after(start), MAX_LOOKS))
            found = [pair for pair in looked if self._matches(pair[1], where)]
            to = looked[-1][0] if looked else ring.head
        items = [(number, self._show(item)) for number, item in found]
        return {"worker": worker, "from": start, "to": to, "missed": missed, "items": items}
