"""How a worker feels: whether its loop keeps time, and what it takes of the machine.

One small timer looks. The loop's lag is how late the timer came: so late would anything be
that was due at that moment.
"""

from __future__ import annotations

import asyncio
import os
from time import process_time

from slipstream.control.metrics.counters import Counters
from slipstream.control.metrics.figures import written_bytes
from slipstream.control.parts import Parts

LOOK_S = 0.1
MEASURE_EVERY = 10  # looks
WINDOW_LOOKS = 50  # the largest lag is that of the last 5 to 10 s


class Vitals:
    """Call `start()` and `stop()`, once each.

    Args:
        parts: of the worker.
        counters: written about once a second.
    """

    def __init__(self, parts: Parts, counters: Counters) -> None:
        self._parts = parts
        self._counters = counters
        self._looks = 0
        self._due = 0.0
        self._lag_s = 0.0
        self._lag_before_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def loop_lag_s(self) -> float:
        """The largest lag of the last seconds."""
        return max(self._lag_s, self._lag_before_s)

    def start(self) -> None:
        """Begin to look."""
        self._measure()
        self._plan(asyncio.get_running_loop())

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def note_lag(self, lag_s: float) -> None:
        """The timer came so late."""
        self._looks += 1
        if self._looks % WINDOW_LOOKS == 0:
            self._lag_before_s, self._lag_s = self._lag_s, 0.0
        self._lag_s = max(self._lag_s, lag_s)

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + LOOK_S
        self._timer = loop.call_later(LOOK_S, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self.note_lag(loop.time() - self._due)
        if self._looks % MEASURE_EVERY == 0:
            self._measure()
        self._plan(loop)

    def _measure(self) -> None:
        self._parts.memory.measure(written_bytes(self._parts.hub))
        self._counters.write()


def cpu_s() -> float:
    """Processor time of this process so far, in seconds."""
    return process_time()


def descriptors() -> int:
    """How many files and sockets this process has open."""
    folder = "/proc/self/fd"
    try:
        # Linux 6.2 and newer tell; to list ten thousand takes milliseconds.
        return os.stat(folder).st_size or len(os.listdir(folder)) - 1
    except OSError:
        return 0
