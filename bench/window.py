"""The seconds in which is measured: what the server and the load spent, and what arrived.

Processor time is read at both ends, so that starting up, connecting and warming up cost nothing.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from .crowd import Crowd
from .report import percentile
from .running import RunningServer

TOO_LATE_MS = 50  # what the load may be behind its plan before a round is suspect


class Window(NamedTuple):
    """What happened between two moments."""

    seconds: float
    server_cpu_s: float
    load_cpu_s: float
    sent_messages: int  # by all publishers
    received_bytes: int  # by all viewers
    delays_ms: list[float]  # of each message that a watching viewer got
    publisher_late_ms: float  # the most that the load itself was behind its plan

    @property
    def server_core_percent(self) -> float:
        return 100 * self.server_cpu_s / self.seconds

    @property
    def load_core_percent(self) -> float:
        return 100 * self.load_cpu_s / self.seconds

    def delay_ms(self, share: float) -> float:
        """The delay that `share` of the messages did not exceed."""
        return percentile(self.delays_ms, share)


def measure_window(running: RunningServer, crowd: Crowd, seconds: float) -> Window:
    """Let the load run for `seconds`."""
    crowd.forget_delays()
    crowd.publisher_lateness_ms()
    before = _read(running, crowd)
    time.sleep(seconds)
    after = _read(running, crowd)
    late_ms = crowd.publisher_lateness_ms()
    if late_ms > TOO_LATE_MS:
        print(f"  the load itself was {late_ms:.0f} ms late: is the machine idle?")
    return Window(
        seconds=after.time_s - before.time_s,
        server_cpu_s=after.server_cpu_s - before.server_cpu_s,
        load_cpu_s=after.load_cpu_s - before.load_cpu_s,
        sent_messages=after.sent_messages - before.sent_messages,
        received_bytes=after.received_bytes - before.received_bytes,
        delays_ms=crowd.watched().delays_ms,
        publisher_late_ms=late_ms,
    )


class _Reading(NamedTuple):
    """The counters at one moment."""

    time_s: float
    server_cpu_s: float
    load_cpu_s: float
    sent_messages: int
    received_bytes: int


def _read(running: RunningServer, crowd: Crowd) -> _Reading:
    received_bytes = sum(map(sum, crowd.received_bytes().values()))
    sent_messages = crowd.sent_messages()
    return _Reading(time.monotonic(), running.cpu_s(), crowd.cpu_s(), sent_messages, received_bytes)
