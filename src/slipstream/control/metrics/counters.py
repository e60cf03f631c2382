"""What the whole server has counted since it started, whatever became of its workers.

A worker's own counts end with it, and a sum that falls is taken for a new start by everybody
who draws rates from it. So each worker writes its counts into the ledger before it tells
them; one that takes another one's place goes on from what that one had written, and what
an absent one had written counts on.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import fields

from slipstream.control.alerts.alert import AlertKind
from slipstream.control.parts import Parts
from slipstream.hooks import COMMAND_RESULTS, EVENT_RESULTS
from slipstream.hub import Totals
from slipstream.relays import RelayKind

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
LOG_LINES = "log_lines."  # before the level

# What further parts count: of which metric, and the values of its label.
OF_OTHERS: Mapping[str, Sequence[str]] = {
    "alerts_raised": list(AlertKind),
    "hook_events": EVENT_RESULTS,
    "hook_commands": COMMAND_RESULTS,
    "relay_bytes": list(RelayKind),
    "relay_reconnects": list(RelayKind),
}


def _total(name: str) -> Callable[[Parts], float]:
    return lambda parts: getattr(parts.hub.totals, name)


def _lines(level: str) -> Callable[[Parts], float]:
    return lambda parts: parts.logs.lines[level]


def _of_other(metric: str, label: str) -> Callable[[Parts], float]:
    def read(parts: Parts) -> float:
        counted = parts.others.get(metric)
        return 0.0 if counted is None else counted().get(label, 0.0)

    return read


COUNTERS: Mapping[str, Callable[[Parts], float]] = {
    **{field.name: _total(field.name) for field in fields(Totals) if field.name != "apps"},
    "feed_bytes": lambda parts: parts.feed_bytes(),
    "wrong_keys": lambda parts: parts.gate.failures.total,
    "pump_rounds": lambda parts: parts.pump.rounds,
    "pump_busy_s": lambda parts: parts.pump.busy_s,
    "log_lines_left_out": lambda parts: parts.logs.limit.left_out,
    "log_lines_lost": lambda parts: parts.logs.lost,
    **{LOG_LINES + level: _lines(level) for level in LOG_LEVELS},
    **{
        f"{metric}/{label}": _of_other(metric, label)
        for metric, labels in OF_OTHERS.items()
        for label in labels
    },
}


class Counters:
    """The counts of this worker, on top of those of whom it replaces.

    Args:
        parts: of the worker, made before it has counted anything.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._inherited = parts.ledger.row(parts.slot, COUNTERS.keys())

    def write(self) -> dict[str, float]:
        """Write the counts into the ledger and return them."""
        counts = {
            name: self._inherited[name] + read(self._parts) for name, read in COUNTERS.items()
        }
        self._parts.ledger.write(self._parts.slot, counts)
        return counts

    def of_absent(self, present: Container[int]) -> Mapping[str, float]:
        """What those had counted whose slot is not among those present."""
        return self._parts.ledger.total(COUNTERS.keys(), but=present)


def take_others(counts: dict[str, float]) -> dict[str, dict[str, float]]:
    """What further parts counted, by metric and label; it is taken out of `counts`."""
    return {
        metric: {str(label): counts.pop(f"{metric}/{label}") for label in labels}
        for metric, labels in OF_OTHERS.items()
    }
