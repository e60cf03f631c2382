"""Long work in short slices, so that media have their turn in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from time import perf_counter
from typing import TypeVar

SLICE_S = 0.001

Item = TypeVar("Item")


async def in_slices(items: Iterable[Item]) -> AsyncIterator[Item]:
    """Hand out items; let others have their turn whenever a slice is over.

    Meanwhile things change: give a list of what there is, not what changes itself.
    """
    limit = perf_counter() + SLICE_S
    for item in items:
        yield item
        if perf_counter() >= limit:
            await asyncio.sleep(0)
            limit = perf_counter() + SLICE_S
