"""Ingest: many publishers, and one viewer of one of them to prove that data flows.

What does it cost a server to take in a stream, at the chunk size of OBS (4096) and at the one that
FFmpeg begins with (128), and does it still pass on at once what it takes in?
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

from .load.stream import MESSAGES_PER_S
from .report import Promise, Report, Row, column
from .servers import Server
from .settings import Settings
from .window import measure_window

BITRATE_BPS = 1_000_000
USUAL_S = 15
USUAL_ROUNDS = 5
WARM_UP_S = 3


class Case(NamedTuple):
    """A load."""

    publishers: int
    chunk_size: int

    def __str__(self) -> str:
        plural = "s" if self.publishers > 1 else ""
        return f"{self.publishers} publisher{plural}, chunk size {self.chunk_size}"


USUAL_CASES = (Case(1, 4096), Case(100, 4096), Case(100, 128), Case(300, 4096), Case(300, 128))


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRow(Row):
    """One server under one load."""

    cpu_s_per_publisher_minute: float = column("CPU s/publisher-minute", 3, compared=True)
    core_percent_per_publisher: float = column("core % per publisher", 3)
    latency_median_ms: float = column("median ms")
    latency_p99_ms: float = column("p99 ms")
    latency_max_ms: float = column("max ms", 0, max)
    received: int = column("messages seen", 0, sum)
    missing: int = column("missing", 0, sum)
    doubled: int = column("doubled", 0, sum)
    server_core_percent: float = column("server core %")
    load_core_percent: float = column("load core %", 1, max)
    publisher_late_ms: float = column("publisher late ms", 1, max)


COST = "cpu_s_per_publisher_minute"
NAME = "slipstream auto"
PROMISES = (
    Promise(NAME, COST, 1.2, case=str(Case(100, 4096)), of_reference=True),
    Promise(NAME, COST, 0.7, case=str(Case(100, 128)), of_reference=True),
    Promise(NAME, COST, 1.5, case=str(Case(300, 4096)), of_reference=True),
    Promise(NAME, "missing", 0),
    Promise(NAME, "doubled", 0),
)


def run(settings: Settings) -> Report:
    """Measure; `--publishers` and `--chunk-size` replace the usual loads."""
    cases = [Case(settings.scaled(case.publishers), case.chunk_size) for case in USUAL_CASES]
    if settings.publishers or settings.chunk_size:
        cases = [Case(settings.publishers or 100, settings.chunk_size or 4096)]
    rows = settings.alternate(
        cases, _measure, servers="nginx-rtmp,slipstream auto", rounds=USUAL_ROUNDS
    )
    return Report("Ingest", rows, settings.judged(PROMISES))


def _measure(server: Server, case: Case, settings: Settings) -> IngestRow:
    with settings.start(server) as (running, crowd):
        crowd.publish(case.publishers, BITRATE_BPS, case.chunk_size)
        crowd.join(viewers=1, watching=1)
        time.sleep(WARM_UP_S)
        window = measure_window(running, crowd, settings.measured_s(USUAL_S))
        watched = crowd.watched()
    publisher_minutes = window.sent_messages / MESSAGES_PER_S / 60
    return IngestRow(
        case=str(case),
        server=server.name,
        cpu_s_per_publisher_minute=window.server_cpu_s / publisher_minutes,
        core_percent_per_publisher=100 * window.server_cpu_s / (60 * publisher_minutes),
        latency_median_ms=window.delay_ms(0.5),
        latency_p99_ms=window.delay_ms(0.99),
        latency_max_ms=window.delay_ms(1),
        received=watched.received,
        missing=watched.missing,
        doubled=watched.doubled,
        server_core_percent=window.server_core_percent,
        load_core_percent=window.load_core_percent,
        publisher_late_ms=window.publisher_late_ms,
    )
