"""Two thousand viewers of HLS: is any answer late, and what does it cost?

Each asks for the playlist every two seconds, and then for the segment of two seconds that is new in
it, over a connection that it keeps. An answer is late if it takes longer than the segment plays.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

from .load.fetching import PERIOD_S, Fetched, Fetching
from .load.worker import Worker
from .report import Promise, Report, Row, column, percentile
from .servers import Server
from .settings import Settings

SLIPSTREAM = "slipstream auto"
VIEWERS = 2000
BITRATE_MBPS = 1
USUAL_S = 20
USUAL_ROUNDS = 3
ON_AIR_S = 6  # until there is a segment
WARM_UP_S = 6  # after the viewers came
GB = 1e9


class Case(NamedTuple):
    """A load."""

    viewers: int
    bitrate_mbps: float

    def __str__(self) -> str:
        return f"{self.viewers} viewers of {self.bitrate_mbps:g} Mbit/s"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewersRow(Row):
    """One server under one load."""

    late: int = column("late", 0, sum)
    missed: int = column("segments missed", 0, sum)
    playlist_p99_ms: float = column("playlist p99 ms")
    playlist_max_ms: float = column("max ms", 0, max)
    segment_p99_ms: float = column("segment p99 ms")
    segment_max_ms: float = column("max ms", 0, max)
    playlists_per_s: float = column("playlists/s", 0)
    segments_per_s: float = column("segments/s", 0)
    cpu_s_per_gb: float = column("CPU s/GB", 2)
    server_core_percent: float = column("server core %")
    load_core_percent: float = column("load core %", 1, max)


PROMISES = (Promise(SLIPSTREAM, "late", 0), Promise(SLIPSTREAM, "missed", 0))


def run(settings: Settings) -> Report:
    """Measure; `--viewers` and `--bitrate` replace the usual load."""
    viewers = settings.viewers or settings.scaled(VIEWERS)
    case = Case(viewers, settings.bitrate_mbps or BITRATE_MBPS)
    rows = settings.alternate([case], _measure, servers=SLIPSTREAM, rounds=USUAL_ROUNDS)
    return Report("Viewers of HLS", rows, settings.judged(PROMISES))


def _measure(server: Server, case: Case, settings: Settings) -> ViewersRow:
    with settings.start(server) as (running, crowd):
        crowd.publish(1, round(case.bitrate_mbps * 1e6))
        time.sleep(ON_AIR_S)
        load = Worker(Fetching, {settings.cores.load}, running.target)
        try:
            load.ask("join", f"/{running.target.app}/stream@v0.m3u8", case.viewers)
            time.sleep(WARM_UP_S)
            load.ask("fetched")
            began_s, server_s, load_s = time.monotonic(), running.cpu_s(), load.cpu_s()
            time.sleep(settings.measured_s(USUAL_S))
            fetched: Fetched = load.ask("fetched")
            seconds = time.monotonic() - began_s
            server_s, load_s = running.cpu_s() - server_s, load.cpu_s() - load_s
        finally:
            load.close()
    playlists, segments = fetched.playlist_delays_ms, fetched.segment_delays_ms
    return ViewersRow(
        case=str(case),
        server=server.name,
        late=sum(delay > 1000 * PERIOD_S for delay in playlists + segments),
        missed=fetched.missed,
        playlist_p99_ms=percentile(playlists, 0.99),
        playlist_max_ms=percentile(playlists, 1),
        segment_p99_ms=percentile(segments, 0.99),
        segment_max_ms=percentile(segments, 1),
        playlists_per_s=fetched.playlists / seconds,
        segments_per_s=fetched.segments / seconds,
        cpu_s_per_gb=server_s / (fetched.bytes / GB),
        server_core_percent=100 * server_s / seconds,
        load_core_percent=100 * load_s / seconds,
    )
