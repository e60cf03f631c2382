"""Answers that are kept for a moment, so that many who ask cost as much as one."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

SHARE = 0.05  # of the time may go into making the same answer over and over

Value = TypeVar("Value")
Clock = Callable[[], float]


@dataclass(slots=True)
class _Answer(Generic[Value]):
    value: asyncio.Future[Value]
    good_until: float


class Kept(Generic[Value]):
    """`await get(key, make)`: what was made for the key lately, or is being made, or is made now.

    Args:
        for_s: how long an answer is kept, in seconds; what takes long to make is kept longer.
        most: keys whose answers are kept; beyond it the oldest is forgotten.
        clock: seconds; the running loop's unless it is given.
    """

    def __init__(self, for_s: float, most: int, clock: Clock | None = None) -> None:
        self._for_s = for_s
        self._most = most
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._answers: OrderedDict[str, _Answer[Value]] = OrderedDict()

    async def get(self, key: str, make: Callable[[], Awaitable[Value]]) -> Value:
        """Return the answer for a key; what `make` raises is raised to all who wait for it."""
        answer = self._answers.get(key)
        if answer is None or (answer.value.done() and self._clock() >= answer.good_until):
            answer = self._make(key, make)
        return await asyncio.shield(answer.value)  # who leaves does not take it along

    def _make(self, key: str, make: Callable[[], Awaitable[Value]]) -> _Answer[Value]:
        began = self._clock()
        answer = self._answers[key] = _Answer(asyncio.ensure_future(make()), began)
        self._answers.move_to_end(key)
        while len(self._answers) > self._most:
            self._answers.popitem(last=False)

        def keep(_: asyncio.Future[Value]) -> None:
            now = self._clock()
            answer.good_until = now + max(self._for_s, (now - began) / SHARE)

        answer.value.add_done_callback(keep)
        return answer
