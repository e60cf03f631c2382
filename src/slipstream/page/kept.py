"""Answers that are kept for a moment, so that many who ask cost as much as one."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """`await get(key, make)`: what was made for the key lately, or is being made, or is made now.

    Args:
        for_s: how long a value is kept, in seconds.
        most: keys whose values are kept; beyond it the oldest is forgotten.
    """

    def __init__(self, for_s: float, most: int) -> None:
        self._for_s = for_s
        self._most = most
        self._values: OrderedDict[str, tuple[float, asyncio.Future[Value]]] = OrderedDict()

    async def get(self, key: str, make: Callable[[], Awaitable[Value]]) -> Value:
        """Return the value of a key; what `make` raises is raised to all who wait for it."""
        now = asyncio.get_running_loop().time()
        made_at, value = self._values.get(key, (0.0, None))
        if value is None or (value.done() and now - made_at >= self._for_s):
            value = asyncio.ensure_future(make())
            self._values[key] = (now, value)
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return await asyncio.shield(value)
