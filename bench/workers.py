"""All workers: what does a delivered gigabyte cost when several processes share the viewers?

A server with a worker for each core beside one with a single worker, both as they come. Server
and load may use every core, so there is no figure for latency here: it would be the scheduler's.
What counts is the processor time of all of the server's processes for each gigabyte, what
passes between them, and whether the stream is in memory once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from . import inside
from .crowd import Crowd, stream_name, unequal_viewers
from .report import Promise, Reference, Report, Row, column
from .servers import Server
from .servers.slipstream import of_workers
from .settings import Settings
from .window import measure_window

WATCHING = 10  # in all; with fewer it might be that one worker has none of them
USUAL_S = 5
USUAL_ROUNDS = 5
WARM_UP_S = 3  # from the first viewer's coming; logs of the same age have the same size
SETTLE_S = 1
GB, MB = 1e9, 1 << 20
MAX_COST = 1.2  # times that of one worker


class Case(NamedTuple):
    """A load; `viewers` is how many each of the streams has."""

    streams: int
    viewers: int
    bitrate_mbps: float

    def __str__(self) -> str:
        of = f"viewers of {self.bitrate_mbps:g} Mbit/s"
        if self.streams == 1:
            return f"{self.viewers} {of}"
        return f"{self.streams} streams, each {self.viewers} {of}"


USUAL_CASES = (Case(1, 500, 1), Case(1, 250, 4), Case(20, 25, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersRow(Row):
    """One number of workers under one load; of several rounds the least even one is shown."""

    cpu_s_per_gb: float = column("CPU s/GB", 2, compared=True)
    viewers_fewest: int = column("viewers: fewest", 0, min)
    viewers_most: int = column("most", 0, max)
    publishers_fewest: int = column("publishers: fewest", 0, min)
    publishers_most: int = column("most", 0, max)
    busiest_percent: float = column("busiest worker's CPU %", 0, max)
    told_bytes_per_s: float = column("told B/s a stream", 0)
    told_percent: float = column("% of its media", 2)
    memory_files_mb: float = column("memory files MB", 1, compared=True)
    held_mb: float = column("held by each, MB in all")
    pss_mb: float = column("PSS MB")
    missing: int = column("missing", 0, sum)
    skipped: int = column("of them skipped", 0, sum)
    doubled: int = column("doubled", 0, sum)
    unequal_viewers: int = column("unequal viewers", 0, sum)
    server_core_percent: float = column("server core %")
    load_core_percent: float = column("load core %", 1, max)
    publisher_late_ms: float = column("publisher late ms", 1, max)


def run(settings: Settings) -> Report:
    """Measure; `--workers` says how many instead of one for each core."""
    one, many = of_workers(1), of_workers(settings.workers or len(settings.cores.every))
    rows = settings.alternate(
        _choose_cases(settings), _measure, servers=(one, many), rounds=USUAL_ROUNDS
    )
    alone = Reference(one.name, lambda _: one.name)
    return Report("All workers", rows, settings.judged(_promises(many.name)), alone)


def _choose_cases(settings: Settings) -> list[Case]:
    cases = [case._replace(viewers=settings.scaled(case.viewers)) for case in USUAL_CASES]
    if settings.viewers or settings.bitrate_mbps or settings.publishers:
        viewers = settings.viewers or cases[0].viewers
        cases = [Case(settings.publishers or 1, viewers, settings.bitrate_mbps or 1)]
    return cases


def _promises(name: str) -> Sequence[Promise]:
    return (
        Promise(name, "cpu_s_per_gb", MAX_COST, of_reference=True),
        Promise(name, "missing", 0),
        Promise(name, "doubled", 0),
        Promise(name, "unequal_viewers", 0),
    )


def _measure(server: Server, case: Case, settings: Settings) -> WorkersRow:
    with settings.start(server, roaming=True) as (running, crowd):
        inside.wait_for_workers(running)
        crowd.publish(case.streams, round(case.bitrate_mbps * 1e6))
        warm_s = time.monotonic() + WARM_UP_S
        _join(crowd, case)
        time.sleep(max(0.0, warm_s - time.monotonic()))
        quiet_bytes = crowd.quiet_bytes()
        time.sleep(SETTLE_S)
        before = inside.look(running)
        window = measure_window(running, crowd, settings.measured_s(USUAL_S))
        after = inside.look(running)
        file_bytes, held_bytes = running.memory_file_bytes(), running.memory_file_bytes_of_each()
        pss_bytes = running.pss_bytes()
        unequal = unequal_viewers(quiet_bytes, crowd.quiet_bytes())
        watched = crowd.watched()
    told = after.feed_bytes - before.feed_bytes
    told_per_s = told / (after.time_s - before.time_s) / case.streams
    return WorkersRow(
        case=str(case),
        server=server.name,
        cpu_s_per_gb=window.server_cpu_s / (window.received_bytes / GB),
        viewers_fewest=min(worker.viewers for worker in after.workers),
        viewers_most=max(worker.viewers for worker in after.workers),
        publishers_fewest=min(worker.publishers for worker in after.workers),
        publishers_most=max(worker.publishers for worker in after.workers),
        busiest_percent=_busiest_percent(before.workers, after.workers),
        told_bytes_per_s=told_per_s,
        told_percent=100 * told_per_s / (case.bitrate_mbps * 1e6 / 8),
        memory_files_mb=file_bytes / MB,
        held_mb=sum(held_bytes) / MB,
        pss_mb=pss_bytes / MB,
        missing=watched.missing,
        skipped=watched.skipped,
        doubled=watched.doubled,
        unequal_viewers=unequal,
        server_core_percent=window.server_core_percent,
        load_core_percent=window.load_core_percent,
        publisher_late_ms=window.publisher_late_ms,
    )


def _join(crowd: Crowd, case: Case) -> None:
    watching = max(1, WATCHING // case.streams)
    for index in range(case.streams):
        crowd.join(case.viewers, watching, stream_name(index))


def _busiest_percent(
    before: Sequence[inside.WorkerFigures], after: Sequence[inside.WorkerFigures]
) -> float:
    """How much of all workers' processor time was the busiest one's."""
    spent_s = [late.cpu_s - early.cpu_s for early, late in zip(before, after, strict=True)]
    return 100 * max(spent_s) / sum(spent_s)
