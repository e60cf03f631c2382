"""What must happen in time on a connection, or it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadline:
    """One thing at a time; nothing else that comes puts it off.

    Args:
        loop: of the worker.
        close: called with the reason if it did not happen.
    """

    __slots__ = ("_close", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, close: Callable[[str], None]) -> None:
        self._loop = loop
        self._close = close
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, what: str, within_s: float) -> None:
        """From now on it is this that must happen."""
        self.met()
        reason = f"{what} did not come within {within_s:g} s"
        self._timer = self._loop.call_later(within_s, self._close, reason)

    def met(self) -> None:
        """Nothing has to happen any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
