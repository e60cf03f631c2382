"""One answer out of what all workers answer: pure, and the same whoever was asked first.

Whatever is counted is counted in one worker only, so almost everything adds up. A stream is
told by its home, the worker that has its publishers; the others add their viewers. A player
whose connections lie in several workers is told by each of them, and is one viewer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import merge as merge_sorted
from itertools import islice
from typing import Any, NamedTuple

from slipstream.control.metrics.figures import StreamState

Answer = Mapping[str, Any]
Rule = Callable[[list[Any]], Any]

STATES = [state.value for state in StreamState]  # whoever knows more says a later one


def merge_shares(shares: Sequence[Answer]) -> dict[str, Any]:
    """The shares of all workers as one share; there is one at least."""
    return _merge(shares, SERVER)


def merge_streams(answers: Iterable[Iterable[Answer]]) -> list[dict[str, Any]]:
    """The reports of several streams, by each worker that knows of them, as one of each."""
    by_name = defaultdict(list)
    for answer in answers:
        for share in answer:
            by_name[share["report"]["name"]].append(share)
    return [merge_stream(by_name[name]) for name in sorted(by_name)]


def merge_stream(shares: Sequence[Answer]) -> dict[str, Any]:
    """What several workers tell of one stream as one report; there is one share at least."""
    reports = [share["report"] for share in shares]
    repeated = _Repeated.of([share["players"] for share in shares])
    homes = [report for report in reports if report["worker"] is not None]
    best = max(homes or reports, key=_knowledge)
    return {
        **best,
        "state": max((report["state"] for report in homes or reports), key=STATES.index),
        "for_s": max(report["for_s"] for report in reports),
        "viewers": sum(report["viewers"] for report in reports) - repeated.viewers.total(),
        "waiting_viewers": sum(report["waiting_viewers"] for report in reports) - repeated.waiting,
        "formats": _formats(best, reports, repeated.viewers),
    }


def merge_viewers(answers: Iterable[Iterable[Answer]], limit: int) -> list[Answer]:
    """Those who have watched longest, each once, out of lists in that order."""
    merged: dict[str, Answer] = {}
    for row in merge_sorted(*answers, key=_longest_first):
        known = merged.get(row["player"] or row["id"])
        if known is not None:
            waiting = known["waiting"] and row["waiting"]
            row = {**known, "waiting": waiting, "bytes": known["bytes"] + row["bytes"]}
        merged[row["player"] or row["id"]] = row
    return list(islice(merged.values(), limit))


class _Repeated(NamedTuple):
    """How often players were told again by further workers."""

    viewers: Counter[str]  # by format
    waiting: int

    @classmethod
    def of(cls, tables: Sequence[Answer]) -> _Repeated:
        """Compare what each worker tells with what is true of all."""
        players = _players(tables)
        told = [row for table in tables for row in table.values()]
        viewers = Counter(form for form, _ in told) - Counter(form for form, _ in players.values())
        waiting = sum(waits for _, waits in told) - sum(waits for _, waits in players.values())
        return cls(viewers, waiting)


def _players(tables: Sequence[Answer]) -> dict[str, list[Any]]:
    """Each player once, with what it watches; it waits if it has got nothing anywhere."""
    players: dict[str, list[Any]] = {}
    for table in tables:
        for player, (what, waits) in table.items():
            players[player] = [what, waits and players.get(player, [what, True])[1]]
    return players


def _merge(answers: Sequence[Answer], rules: Mapping[str, Rule]) -> dict[str, Any]:
    return {
        name: rules.get(name, _add)([answer[name] for answer in answers]) for name in answers[0]
    }


def _add(values: list[Any]) -> Any:
    """Numbers are added up, tables of numbers row by row."""
    if not isinstance(values[0], Mapping):
        return sum(values)
    total: Counter[str] = Counter()
    for value in values:
        total.update(value)
    return dict(total)


def _largest_of_each(values: list[Any]) -> dict[str, int]:
    """Several workers hold the same memory: it counts once."""
    largest: dict[str, int] = {}
    for value in values:
        for name, number in value.items():
            largest[name] = max(largest.get(name, 0), number)
    return largest


def _tables(values: list[Any]) -> dict[str, Any]:
    """Tables of tables: whoever has one of that name adds to it."""
    names = dict.fromkeys(name for value in values for name in value)
    return {name: _add([value[name] for value in values if name in value]) for name in names}


def _all_workers(values: list[Any]) -> list[Answer]:
    return sorted((row for rows in values for row in rows), key=lambda row: row["number"])


SERVER: Mapping[str, Rule] = {
    "started_at": min,
    "ready": any,  # they share their listening sockets: whoever is ready accepts
    "workers": _all_workers,
    "waiting_streams": _largest_of_each,
    "players": _players,
    "pump_interval_ms": max,
    "intake_interval_ms": max,
    "others": _tables,
}  # all else is added up


def _formats(
    best: Answer, reports: Sequence[Answer], repeated: Counter[str]
) -> list[dict[str, Any]]:
    """Each format once: its viewers added up, its log as whoever writes it tells."""
    by_name = defaultdict(list)
    for report in (best, *(report for report in reports if report is not best)):
        for form in report["formats"]:
            by_name[form["name"]].append(form)
    written = {form["name"] for form in best["formats"]}
    merged = []
    for name, forms in sorted(by_name.items()):
        log = forms[0] if name in written else max(forms, key=lambda form: form["log_bytes"])
        viewers = sum(form["viewers"] for form in forms) - repeated[name]
        merged.append({**log, "viewers": viewers})
    return merged


def _knowledge(report: Answer) -> tuple[int, int, int]:
    """How much of a stream's past a worker has: who published last has most."""
    return (
        STATES.index(report["state"]),
        len(report["tracks"]),
        sum(form["log_bytes"] for form in report["formats"]),
    )


def _longest_first(viewer: Answer) -> float:
    return -float(viewer["for_s"])
