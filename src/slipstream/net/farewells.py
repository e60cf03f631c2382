"""Ends links whose peers have left, a few at a time.

A thousand viewers may leave in one moment, and each costs 0.2 ms: its log lines, its place in
the pump, its stream's audience. Done at once that would keep the rest waiting for 100 ms and
more (`python -m soak storm`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from slipstream.net.link import Link

SLICE_S = 0.002  # as the pump's


class Farewells:
    """The links' `Leaving`. Args: the worker's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Link, str]] = deque()

    def add(self, link: Link, reason: str) -> None:
        """End a link soon. Nothing happens if it has ended until then."""
        if not self._waiting:
            self._loop.call_soon(self._slice)
        self._waiting.append((link, reason))

    def _slice(self) -> None:
        limit = monotonic() + SLICE_S
        try:
            while self._waiting:
                link, reason = self._waiting.popleft()
                link.fail(reason)
                if monotonic() >= limit:
                    return
        finally:
            if self._waiting:
                self._loop.call_soon(self._slice)
