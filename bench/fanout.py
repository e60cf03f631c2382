"""Fan-out: one publisher, many viewers. What does a delivered gigabyte cost, and how late is it?

A round: start the server, publish, let the viewers come, and when all is calm measure for some
seconds. The publisher pauses before and after, so that at two quiet moments every viewer must have
got exactly what the others got; the watching ones check each message between.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import NamedTuple

from .crowd import unequal_viewers
from .report import Promise, Report, Row, column
from .servers import Server
from .settings import Settings
from .window import measure_window

WATCHING = 5
USUAL_S = 15
USUAL_ROUNDS = 5
WARM_UP_S = 2  # after the last viewer came
SETTLE_S = 1  # after the pause, so that an adaptive server has adapted again
GB, KB = 1e9, 1024


class Case(NamedTuple):
    """A load; `read_every_ms` is 0 for viewers that read at once."""

    viewers: int
    bitrate_mbps: float
    read_every_ms: int = 0

    def __str__(self) -> str:
        late = f", read every {self.read_every_ms} ms" if self.read_every_ms else ""
        return f"{self.viewers} viewers of {self.bitrate_mbps:g} Mbit/s{late}"


USUAL_CASES = (Case(500, 1), Case(250, 4))
LATE_CASES = (Case(500, 1, read_every_ms=20), Case(250, 4, read_every_ms=20))


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutRow(Row):
    """One server under one load."""

    cpu_s_per_gb: float = column("CPU s/GB", 2, compared=True)
    both_cpu_s_per_gb: float = column("with the load's", 2, compared=True)
    latency_median_ms: float = column("median ms")
    latency_p99_ms: float = column("p99 ms")
    latency_max_ms: float = column("max ms", 0, max)
    missing: int = column("missing", 0, sum)
    skipped: int = column("of them skipped", 0, sum)
    doubled: int = column("doubled", 0, sum)
    unequal_viewers: int = column("unequal viewers", 0, sum)
    first_keyframe_ms: float = column("first keyframe ms", 0)
    pss_per_viewer_kb: float = column("KB/viewer")
    server_core_percent: float = column("server core %")
    load_core_percent: float = column("load core %", 1, max)
    publisher_late_ms: float = column("publisher late ms", 1, max)


NAMES = ("slipstream at once", "slipstream auto", "slipstream 100 ms")
PROMISES = (
    Promise(NAMES[0], "latency_median_ms", 5),
    Promise(NAMES[0], "cpu_s_per_gb", 1.2, of_reference=True),
    Promise(NAMES[1], "latency_median_ms", 20),
    Promise(NAMES[1], "cpu_s_per_gb", 0.75, of_reference=True),
    Promise(NAMES[2], "latency_median_ms", 60),
    Promise(NAMES[2], "cpu_s_per_gb", 0.4, of_reference=True),
    *(Promise(name, "latency_max_ms", 1000) for name in NAMES),
    *(Promise(name, "missing", 0) for name in NAMES),
    *(Promise(name, "doubled", 0) for name in NAMES),
    *(Promise(name, "unequal_viewers", 0) for name in NAMES),
)


def run(settings: Settings) -> Report:
    """Viewers that read at once; `--viewers` and `--bitrate` replace the usual two loads."""
    return Report("Fan-out", _measure_all(settings, USUAL_CASES), settings.judged(PROMISES))


def run_late(settings: Settings) -> Report:
    """Viewers that read and acknowledge late; `--read-every-ms` says how late."""
    rows = _measure_all(settings, LATE_CASES)
    return Report("Fan-out to viewers that read late", rows)


def choose_cases(settings: Settings, usual: tuple[Case, ...]) -> list[Case]:
    """The usual loads, or what the command line wants instead."""
    cases = [case._replace(viewers=settings.scaled(case.viewers)) for case in usual]
    if settings.viewers or settings.bitrate_mbps:
        viewers = settings.viewers or cases[0].viewers
        cases = [cases[0]._replace(viewers=viewers, bitrate_mbps=settings.bitrate_mbps or 1)]
    if settings.read_every_ms is not None:
        cases = [case._replace(read_every_ms=settings.read_every_ms) for case in cases]
    return cases


def _measure_all(settings: Settings, usual: tuple[Case, ...]) -> list[Row]:
    cases = choose_cases(settings, usual)
    return settings.alternate(cases, measure, servers="nginx-rtmp,slipstream", rounds=USUAL_ROUNDS)


def measure(server: Server, case: Case, settings: Settings, usual_s: float = USUAL_S) -> FanoutRow:
    """One round, of `usual_s` measured seconds unless the command line wants others."""
    with settings.start(server, case.read_every_ms) as (running, crowd):
        crowd.publish(1, round(case.bitrate_mbps * 1e6))
        crowd.join(viewers=1, watching=1)  # with whom the server makes what is made once
        time.sleep(WARM_UP_S)
        one_pss_bytes = running.pss_bytes()
        crowd.join(case.viewers - 1, WATCHING - 1)
        time.sleep(WARM_UP_S)
        quiet_bytes = crowd.quiet_bytes()
        time.sleep(SETTLE_S)
        window = measure_window(running, crowd, settings.measured_s(usual_s))
        pss_bytes = running.pss_bytes() - one_pss_bytes
        unequal = unequal_viewers(quiet_bytes, crowd.quiet_bytes())
        watched = crowd.watched()
    received_gb = window.received_bytes / GB
    return FanoutRow(
        case=str(case),
        server=server.name,
        cpu_s_per_gb=window.server_cpu_s / received_gb,
        both_cpu_s_per_gb=(window.server_cpu_s + window.load_cpu_s) / received_gb,
        latency_median_ms=window.delay_ms(0.5),
        latency_p99_ms=window.delay_ms(0.99),
        latency_max_ms=window.delay_ms(1),
        missing=watched.missing,
        skipped=watched.skipped,
        doubled=watched.doubled,
        unequal_viewers=unequal,
        first_keyframe_ms=statistics.median(watched.first_keyframe_ms),
        pss_per_viewer_kb=pss_bytes / (case.viewers - 1) / KB,
        server_core_percent=window.server_core_percent,
        load_core_percent=window.load_core_percent,
        publisher_late_ms=window.publisher_late_ms,
    )
