"""From rounds to what people read: medians, a table, promises kept or not, JSON.

A benchmark gives one row per server, case and round: a frozen dataclass derived from `Row`, whose
fields say with `column()` how they are shown and how several rounds become one figure. The ratio
to nginx-rtmp, or to another reference, is always between rows of one run, because no two runs
meet the same machine.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any

Combine = Callable[[list[Any]], Any]


def column(
    title: str, digits: int = 1, over_rounds: Combine = statistics.median, compared: bool = False
) -> Any:
    """A field that is a column; `compared` adds one with its ratio to the reference server."""
    shown = {"title": title, "digits": digits, "over_rounds": over_rounds, "compared": compared}
    return field(metadata=shown)


# Metadata of a field for the JSON alone; of several rounds the first is kept.
SERIES = {"over_rounds": lambda rounds: rounds[0]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured of one server under one load; the benchmarks add their own fields."""

    case: str
    server: str


@dataclass(frozen=True, slots=True)
class Reference:
    """With what the others are compared."""

    title: str
    of: Callable[[str], str]
    """Of a server the name of that with which it is compared."""


NGINX = Reference("nginx", lambda _: "nginx-rtmp")


@dataclass(frozen=True, slots=True)
class Promise:
    """What a server is meant to reach: in `column` at most `limit`, or so many times another's."""

    server: str
    column: str
    limit: float
    case: str = ""  # the beginning of the cases it is about
    of_reference: bool = False
    of: str = ""  # the name of another server than the reference, to be compared with
    at_least: bool = False

    def is_kept(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Report:
    """A benchmark's outcome."""

    name: str
    rounds: Sequence[Row]
    promises: Sequence[Promise] = ()
    reference: Reference = NGINX

    def combined(self) -> list[Row]:
        """One row for each case and server, case by case."""
        cases = dict.fromkeys(row.case for row in self.rounds)
        servers = dict.fromkeys(row.server for row in self.rounds)
        groups = (
            [row for row in self.rounds if (row.case, row.server) == (case, server)]
            for case in cases
            for server in servers
        )
        return [_combine(group) for group in groups if group]

    def ratio(self, row: Row, name: str, reference: str = "") -> float:
        """A figure relative to the reference's, or another's, in the same case; NaN without one."""
        reference = reference or self.reference.of(row.server)
        for other in self.combined():
            if other.server == reference and other.case == row.case:
                return float(getattr(row, name)) / (float(getattr(other, name)) or math.nan)
        return math.nan

    def to_json(self) -> dict[str, Any]:
        return {
            "combined": [_plain(row) for row in self.combined()],
            "rounds": [_plain(row) for row in self.rounds],
            "promises": list(self.verdicts()),
        }

    def markdown(self) -> str:
        """The table, then the promises."""
        rows = self.combined()
        columns = [shown for shown in fields(rows[0]) if "title" in shown.metadata]
        lines = [["load", "server", *self._titles(columns)]]
        lines += [[row.case, row.server, *self._cells(row, columns)] for row in rows]
        lines.insert(1, ["---"] * 2 + ["---:"] * (len(lines[0]) - 2))
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n\n".join([f"### {self.name}", table, "\n".join(self.verdicts())])

    def _titles(self, columns: list[Field[Any]]) -> Iterable[str]:
        for shown in columns:
            yield shown.metadata["title"]
            if shown.metadata["compared"]:
                yield f"x {self.reference.title}"

    def _cells(self, row: Row, columns: list[Field[Any]]) -> Iterable[str]:
        for shown in columns:
            yield _show(getattr(row, shown.name), shown.metadata["digits"])
            if shown.metadata["compared"]:
                yield _show(self.ratio(row, shown.name), 2)

    def verdicts(self) -> Iterable[str]:
        """A line for every promise about a server that was measured."""
        rows = self.combined()
        for promise in self.promises:
            about = [row for row in rows if row.server == promise.server]
            about = [row for row in about if row.case.startswith(promise.case)]
            if about:
                yield self._verdict(promise, about)

    def _verdict(self, promise: Promise, rows: list[Row]) -> str:
        other = promise.of or (self.reference.title if promise.of_reference else "")
        values = [
            self.ratio(row, promise.column, promise.of)
            if other
            else float(getattr(row, promise.column))
            for row in rows
        ]
        known = [value for value in values if not math.isnan(value)]
        word = "kept" if all(map(promise.is_kept, known)) else "MISSED"
        if not known:
            word = f"not measured, nothing of {other} in this run"
        unit = f" x {other}" if other else ""
        bound = "at least" if promise.at_least else "at most"
        what = " ".join((promise.server, promise.column, promise.case and f"({promise.case})"))
        figures = ", ".join(f"{value:.2f}" for value in known)
        return f"- {word}: {what.strip()} {bound} {promise.limit:g}{unit}: {figures}"


def _show(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:,.{digits}f}"


def _plain(row: Row) -> dict[str, Any]:
    """The fields for JSON, which has no word for "not a number"."""
    # NaN alone does not equal itself; not every field is a number.
    return {name: None if value != value else value for name, value in asdict(row).items()}


def _combine(rows: list[Row]) -> Row:
    values: dict[str, Any] = {"case": rows[0].case, "server": rows[0].server}
    for shown in fields(rows[0]):
        if shown.name not in values:
            combine = shown.metadata["over_rounds"]
            values[shown.name] = combine([getattr(row, shown.name) for row in rows])
    return type(rows[0])(**values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed; not a number when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan
