"""What a run found: figures with what was promised of them, and everything that went wrong.

    report = Report("Kills", "kill -9 of a random worker")
    report.at_most("worst gap", 312, 500, "ms")
    report.tell("kill 7: a viewer of the other worker was disconnected")
    report.kept            # False

A figure without a promise is there to be known. What is told is a fault, whatever the figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_FAULTS_SHOWN = 20  # in the table's company; the JSON has all


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    what: str
    value: float
    unit: str = ""
    promise: str = ""  # in words; empty if there is none
    kept: bool = True


@dataclass(slots=True)
class Report:
    """Fill it while the run goes on.

    Attributes:
        series: for JSON and pictures: numbers over time, by name.
        faults: what should not have happened, one line each.
        log: what the server printed.

    Args:
        name: of the run, as a title.
        what: was done, in a line.
    """

    name: str
    what: str
    figures: list[Figure] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    series: dict[str, list[float]] = field(default_factory=dict)
    log: str = ""

    def note(self, what: str, value: float, unit: str = "") -> None:
        """A figure that is only to be known."""
        self.figures.append(Figure(what, value, unit))

    def at_most(self, what: str, value: float, limit: float, unit: str = "") -> None:
        """A figure that is promised not to exceed `limit`; one that was not measured does."""
        promise = f"at most {show(limit)}" if limit else "none"
        self.figures.append(Figure(what, value, unit, promise, value <= limit))

    def at_least(self, what: str, value: float, limit: float, unit: str = "") -> None:
        """A figure that is promised to reach `limit`."""
        self.figures.append(Figure(what, value, unit, f"at least {show(limit)}", value >= limit))

    def tell(self, fault: str) -> None:
        """Something should not have happened."""
        self.faults.append(fault)

    @property
    def kept(self) -> bool:
        """Whether every promise was."""
        return not self.faults and all(figure.kept for figure in self.figures)

    def missed(self) -> list[str]:
        """What was not kept, and the faults."""
        figures = [
            f"{figure.what}: {show(figure.value)} {figure.unit}".rstrip() + f", {figure.promise}"
            for figure in self.figures
            if not figure.kept
        ]
        return figures + self.faults

    def markdown(self) -> str:
        """The table, then the faults."""
        lines = [["", "measured", "promised", ""], ["---", "---:", "---", "---"]]
        for figure in self.figures:
            verdict = ("kept" if figure.kept else "MISSED") if figure.promise else ""
            value = f"{show(figure.value)} {figure.unit}".rstrip()
            lines.append([figure.what, value, figure.promise, verdict])
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n\n".join([table, *_listed(self.faults)])

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        figures = [
            {
                "what": figure.what,
                "value": figure.value if math.isfinite(figure.value) else None,
                "unit": figure.unit,
                "promise": figure.promise,
                "kept": figure.kept,
            }
            for figure in self.figures
        ]
        return {
            "name": self.name,
            "what": self.what,
            "kept": self.kept,
            "figures": figures,
            "faults": self.faults,
            "series": self.series,
        }


def show(value: float) -> str:
    """A number as people read it: whole, or with as many decimals as say something."""
    if not math.isfinite(value):
        return "not measured"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.{1 if abs(value) >= 10 else 2}f}"


def _listed(faults: Sequence[str]) -> list[str]:
    lines = [f"- {fault}" for fault in faults[:MAX_FAULTS_SHOWN]]
    if len(faults) > MAX_FAULTS_SHOWN:
        lines.append(f"- and {len(faults) - MAX_FAULTS_SHOWN} more")
    return ["\n".join(lines)] if lines else []
