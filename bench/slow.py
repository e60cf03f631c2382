"""Slow viewers: fifty that never read and one behind half the bandwidth, beside a few good ones.

The good ones must lose nothing. Memory must not grow by those that do not read, and they should be
sent away in the end. The one with too little bandwidth should stay near the live edge by leaping,
and only to keyframes: its lag is measured where it is felt, at the viewer.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import partial

from . import machine
from .crowd import STREAM, Crowd
from .load.client import Client, Target, connect_many
from .load.lagging import Lagged, Lagging
from .load.worker import Worker
from .report import SERIES, Promise, Report, Row, column
from .running import RunningServer
from .servers import Server
from .settings import Settings

BITRATE_BPS = 1_000_000
GOOD, DEAF = 5, 50
USUAL_S = 45
QUICK_S = 25  # long enough to see those that take nothing for 15 s being closed
WARM_UP_S = 3
LOOK_EVERY_S = 0.5
KB, MB = 1 << 10, 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRow(Row):
    """One server. The narrow viewer's lag is in ms, the deaf ones' closing in s after joining."""

    good_missing: int = column("good: missing", 0, sum)
    good_doubled: int = column("good: doubled", 0, sum)
    good_latency_max_ms: float = column("good: max ms", 0, max)
    pss_per_deaf_kb: float = column("deaf: KB each")
    deaf_open: int = column("still open", 0, sum)
    first_closed_s: float = column("first closed after s")
    last_closed_s: float = column("last closed after s")
    narrow_lag_max_ms: float = column("narrow: max lag ms", 0, max)
    narrow_jumps: int = column("jumps", 0)
    narrow_jumps_elsewhere: int = column("not to keyframes", 0, sum)
    narrow_closed: int = column("narrow: closed", 0, sum)
    narrow_closed_after_s: float = column("after s")
    memory_files_mb: float = column("memory files MB")
    narrow_lag_ms: list[float] = field(metadata=SERIES)


NAME = "slipstream auto"
PROMISES = (
    Promise(NAME, "good_missing", 0),
    Promise(NAME, "good_doubled", 0),
    Promise(NAME, "pss_per_deaf_kb", 8),
    Promise(NAME, "deaf_open", 0),
    Promise(NAME, "narrow_lag_max_ms", 5000),
    Promise(NAME, "narrow_jumps_elsewhere", 0),
    Promise(NAME, "narrow_closed", 0),
)


def run(settings: Settings) -> Report:
    """Measure; `--viewers` is the number of those that never read."""
    rows = settings.alternate(
        [settings.viewers or DEAF], _measure, servers="nginx-rtmp,slipstream auto", rounds=1
    )
    return Report("Slow viewers", rows, settings.judged(PROMISES))


class _Deaf:
    """Viewers that never read, and when the server closed each.

    Their own sockets do not tell: what the server wrote lies before the end of the stream. So the
    kernel's table of connections is asked.
    """

    def __init__(self, target: Target, count: int) -> None:
        self._clients: dict[int, Client] = {}
        self._server_port = target.port
        self._joined_s = time.monotonic()
        self.closed_after_s: list[float] = []
        for client in connect_many(partial(Client, target), count):
            client.play(STREAM)
            self._clients[client.socket.getsockname()[1]] = client

    def look(self) -> None:
        """Note those that have been closed since the last look."""
        gone = set(self._clients) - machine.established_peers(self._server_port)
        for port in gone:
            self._clients.pop(port).close()
            self.closed_after_s.append(time.monotonic() - self._joined_s)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def _measure(server: Server, deaf: int, settings: Settings) -> SlowRow:
    seconds = settings.seconds or (QUICK_S if settings.quick else USUAL_S)
    with settings.start(server) as (running, crowd):
        lagging = Worker(Lagging, {settings.cores.load}, running.target)
        try:
            crowd.publish(1, BITRATE_BPS)
            crowd.join(viewers=GOOD, watching=GOOD)
            lagging.ask("join", STREAM, BITRATE_BPS // 2)
            time.sleep(WARM_UP_S)
            return _watch(server, deaf, seconds, running, crowd, lagging)
        finally:
            lagging.close()


def _watch(
    server: Server,
    deaf: int,
    seconds: float,
    running: RunningServer,
    crowd: Crowd,
    lagging: Worker,
) -> SlowRow:
    """Let the deaf ones come, and look at everything twice a second."""
    pss_before = pss_most = running.pss_bytes()
    never_reading = _Deaf(running.target, deaf)
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        time.sleep(LOOK_EVERY_S)
        never_reading.look()
        pss_most = max(pss_most, running.pss_bytes())
    never_reading.close()
    narrow: Lagged = lagging.ask("lagged")
    watched = crowd.watched()
    closed_s = never_reading.closed_after_s
    return SlowRow(
        case=f"{deaf} never read, 1 at half of 1 Mbit/s",
        server=server.name,
        good_missing=watched.missing,
        good_doubled=watched.doubled,
        good_latency_max_ms=max(watched.delays_ms),
        pss_per_deaf_kb=(pss_most - pss_before) / deaf / KB,
        deaf_open=deaf - len(closed_s),
        first_closed_s=min(closed_s, default=math.nan),
        last_closed_s=max(closed_s, default=math.nan),
        narrow_lag_max_ms=max(narrow.worst_lag_ms),
        narrow_jumps=len(narrow.jumps),
        narrow_jumps_elsewhere=sum(not jump.to_keyframe for jump in narrow.jumps),
        narrow_closed=int(narrow.closed_after_s is not None),
        narrow_closed_after_s=narrow.closed_after_s or math.nan,
        memory_files_mb=running.memory_file_bytes() / MB,
        narrow_lag_ms=[round(lag_ms) for lag_ms in narrow.worst_lag_ms],
    )
