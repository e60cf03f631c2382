"""What the API tells of the server as a whole, and what each worker adds to that.

A worker answers with its `ServerShare`. All shares merged, with what absent workers had
counted, make the `ServerReport`: what the API sends and what the metrics are read from. The
page `docs/reference/api.md` explains every field of it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slipstream import __version__
from slipstream.control.alerts.alarm import Alarm
from slipstream.control.alerts.alert import AlertKind
from slipstream.control.metrics.counters import (
    LOG_LEVELS,
    LOG_LINES,
    OF_OTHERS,
    Counters,
    take_others,
)
from slipstream.control.metrics.figures import Figures
from slipstream.control.metrics.vitals import Vitals, cpu_s, descriptors
from slipstream.control.parts import Parts


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """One worker."""

    number: int
    slot: int
    pid: int
    ready: bool
    cpu_s: float
    memory_bytes: int
    memory_max_bytes: int
    memory_full: bool
    descriptors: int
    connections: int
    publishers: int
    viewers: int
    loop_lag_ms: float
    pump_interval_ms: float

    @classmethod
    def of(cls, parts: Parts, vitals: Vitals, figures: Figures) -> WorkerReport:
        """Look at everything once."""
        return cls(
            number=parts.worker,
            slot=parts.slot,
            pid=os.getpid(),
            ready=parts.ready,
            cpu_s=round(cpu_s(), 3),
            memory_bytes=parts.memory.used_bytes,
            memory_max_bytes=parts.memory.max_bytes,
            memory_full=parts.memory.is_full,
            descriptors=descriptors(),
            connections=parts.admissions.open,
            publishers=figures.publishers.total(),
            viewers=figures.viewers.total(),
            loop_lag_ms=round(vitals.loop_lag_s * 1000, 1),
            pump_interval_ms=round(parts.pump.pace.interval_s * 1000, 3),
        )


@dataclass(frozen=True, slots=True)
class ServerShare:
    """What one worker adds to the report; `merge.SERVER` says how shares become one."""

    started_at: float
    ready: bool
    workers: list[WorkerReport]
    streams: dict[str, int]
    waiting_streams: dict[str, int]
    publishers: dict[str, int]
    viewers: dict[str, int]
    waiting_viewers: int
    players: dict[str, tuple[str, bool]]
    received_bps: float
    log_bytes: int
    connections_open: int
    connections_pending: int
    connections_max: int
    pump_interval_ms: float
    intake_interval_ms: float
    counters: dict[str, float]
    others: dict[str, dict[str, float]]
    alerts: dict[str, int]

    @classmethod
    async def of(
        cls, parts: Parts, vitals: Vitals, counters: Counters, alarm: Alarm
    ) -> ServerShare:
        """Look at everything once."""
        figures = await Figures.of(parts.hub)
        players = figures.players.values()
        worker = WorkerReport.of(parts, vitals, figures)
        return cls(
            started_at=parts.ledger.started_at,
            ready=parts.ready,
            workers=[worker],
            streams=figures.streams,
            waiting_streams=figures.waiting_streams,
            publishers=figures.publishers,
            viewers=figures.viewers - Counter(protocol for protocol, _ in players),
            waiting_viewers=figures.waiting_viewers - sum(waits for _, waits in players),
            players=figures.players,
            received_bps=figures.received_bits_per_second,
            log_bytes=figures.log_bytes,
            connections_open=parts.admissions.open,
            connections_pending=parts.admissions.pending,
            connections_max=parts.admissions.max_open,
            pump_interval_ms=worker.pump_interval_ms,
            intake_interval_ms=round(parts.intake.interval_s * 1000, 3),
            counters=counters.write(),
            others={
                name: dict(read())
                for name, read in parts.others.items()
                if name not in OF_OTHERS  # those are among the counters
            },
            alerts=_by_kind(alarm.now_raised()),
        )


@dataclass(frozen=True, slots=True)
class ServerReport:
    """`/api/v1/server`."""

    version: str
    started_at: datetime
    ready: bool
    workers: list[WorkerReport]
    workers_expected: int
    streams: dict[str, int]
    publishers: dict[str, int]
    viewers: dict[str, int]
    waiting_viewers: int
    received_bps: int
    log_bytes: int
    connections_open: int
    connections_pending: int
    connections_max: int
    publications: int
    takeovers: int
    switches: int
    merged_frames: int
    filled_holes: int
    subscriptions: int
    feed_bytes: int
    wrong_keys: int
    pump_interval_ms: float
    pump_rounds: int
    pump_busy_s: float
    intake_interval_ms: float
    log_lines: dict[str, int]
    log_lines_left_out: int
    log_lines_lost: int
    alerts: dict[str, int]
    alerts_raised: dict[str, int]
    others: dict[str, dict[str, float]]

    @classmethod
    def of(
        cls, share: Mapping[str, Any], of_absent: Mapping[str, float], expected: int
    ) -> ServerReport:
        """Make the report.

        Args:
            share: all workers' shares, merged.
            of_absent: what those had counted that have no share.
            expected: how many workers there should be.
        """
        waiting = share["waiting_streams"]
        players = share["players"].values()
        counts = {name: count + of_absent[name] for name, count in share["counters"].items()}
        log_lines = {level: round(counts.pop(LOG_LINES + level)) for level in LOG_LEVELS}
        others = take_others(counts)
        alerts_raised = {kind: round(count) for kind, count in others.pop("alerts_raised").items()}
        pump_busy_s = round(counts.pop("pump_busy_s"), 3)
        whole_counts: dict[str, Any] = {name: round(count) for name, count in counts.items()}
        return cls(
            version=__version__,
            started_at=datetime.fromtimestamp(round(share["started_at"]), UTC),
            ready=share["ready"],
            workers=[WorkerReport(**row) for row in share["workers"]],
            workers_expected=expected,
            streams={**share["streams"], "waiting": len(waiting)},
            publishers=share["publishers"],
            viewers=Counter(share["viewers"]) + Counter(protocol for protocol, _ in players),
            waiting_viewers=share["waiting_viewers"] + sum(waits for _, waits in players),
            received_bps=round(share["received_bps"]),
            log_bytes=share["log_bytes"] + sum(waiting.values()),
            connections_open=share["connections_open"],
            connections_pending=share["connections_pending"],
            connections_max=share["connections_max"],
            pump_interval_ms=share["pump_interval_ms"],
            pump_busy_s=pump_busy_s,
            intake_interval_ms=share["intake_interval_ms"],
            log_lines=log_lines,
            alerts=share["alerts"],
            alerts_raised=alerts_raised,
            others={**share["others"], **others},
            **whole_counts,
        )


def _by_kind(counts: Mapping[AlertKind, int]) -> dict[str, int]:
    """All kinds, those that there are none of as well."""
    return {str(kind): counts.get(kind, 0) for kind in AlertKind}
