"""Reload: the configuration is read again, a thousand times, half of them wrong, under load.

In turn:

1. a right file, told by SIGHUP: it must be in force in every worker;
2. a wrong one, told by SIGHUP: one line in the log, and nothing else;
3. a right one, told by the API, which answers when it is in force where it was asked;
4. a wrong one, told by the API: refused with line, key and reason.

What is set anew changes each time: limits, the pump's interval, how long viewers may stay.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.report import percentile
from tests.server import wait_until

from .aftermath import worst
from .arrivals import Arrivals
from .crowd import Crowd
from .report import Report
from .server import PATIENT_MS, Held, Holdings, ServerTree, running_tree
from .settings import Settings

STREAMS = ("one", "two")
VIEWERS_EACH = 4  # of a stream, over each protocol
RATE, SHORT_RATE = 25.0, 10.0  # arrivals a second
WARM_UP, SHORT_WARM_UP = 300, 20  # reloads under load: events and lines kept are all there then
PAUSE_S = 0.1  # between two: 20 lines of one kind a second are in the log
LET_GO_S = 60.0
CALM_S, SHORT_CALM_S = 15.0, 1.0  # in the longer one the logs have got all they keep

APPLIED_MS = 1000
NOTICED_MS = 250
MEMORY_MB = 8
DESCRIPTORS = 12  # a log has now one segment more, now one less, in each worker
OBJECTS = 1000  # in both workers: one for each reload would be a leak
SHORT_OBJECTS = 4000  # the logs still grow
MB = 1 << 20


@dataclass(slots=True)
class Tally:
    """What all reloads came to."""

    applied_ms: list[float] = field(default_factory=list)  # until all workers had it
    refused: int = 0
    faults: list[str] = field(default_factory=list)


def run(settings: Settings) -> Report:
    """A thousand reloads; twenty in the short form."""
    times = settings.pick(full=1000, short=20)
    warm_up = settings.pick(full=WARM_UP, short=SHORT_WARM_UP)
    rate = settings.pick(full=RATE, short=SHORT_RATE)
    report = Report("Reload", f"{times} reloads, half of them wrong, seed {settings.seed}.")
    tally = Tally()
    with (
        running_tree(2) as tree,
        Crowd(tree.rtmp, tree.http, tree.server.key) as crowd,
        Arrivals(tree.rtmp, tree.http, tree.server.key, settings.seed, STREAMS) as arrivals,
        _asking_all(tree) as workers,
    ):
        crowd.encode(*STREAMS)
        for stream in STREAMS:
            crowd.watch(stream, rtmp=VIEWERS_EACH, flv=VIEWERS_EACH)
        wait_until(lambda: all(visit.received for visit in crowd.visits()), "first pictures")
        arrivals.begin(rate)
        _Reloads(tree, workers, Tally()).do(warm_up, first=0)
        arrivals.end()
        _await_calm(tree, arrivals)
        crowd.forget()
        time.sleep(settings.pick(full=CALM_S, short=SHORT_CALM_S))
        report.note("longest gap before", _longest_gap_ms(crowd), "ms")
        before, kinds, inside = tree.look(), tree.descriptors(), tree.holdings()
        crowd.forget()
        arrived_before = arrivals.report().total
        arrivals.begin(rate)
        began_s = time.monotonic()
        _Reloads(tree, workers, tally).do(times, first=warm_up)
        took_s = time.monotonic() - began_s
        arrivals.end()
        _await_calm(tree, arrivals)
        _judge(report, crowd, settings)
        arrived = arrivals.report()
        report.note("connections that arrived meanwhile", arrived.total - arrived_before)
        report.at_most("of these refused, cut off or left waiting", len(arrived.failures), 0)
        report.faults += arrived.failures
        after = _settle(tree, before)
        if after.descriptors - before.descriptors > DESCRIPTORS:
            report.tell(f"descriptors were {kinds}, are {tree.descriptors()}")
        inside_after = tree.holdings()
        report.log = tree.server.log()
    _fill(report, tally, times, took_s, settings)
    limit = settings.pick(full=OBJECTS, short=SHORT_OBJECTS)
    _compare(report, before, after, inside, inside_after, limit)
    return report


class _Reloads:
    """Does them."""

    def __init__(
        self, tree: ServerTree, workers: list[http.client.HTTPConnection], tally: Tally
    ) -> None:
        self._tree = tree
        self._workers = workers
        self._tally = tally
        self._mark = 0  # what is in force

    def do(self, times: int, first: int) -> None:
        """So many; what is set is counted on from `first`."""
        ways = (self._apply_by_signal, self._refuse_by_signal, self._apply, self._refuse)
        for number in range(first, first + times):
            ways[number % len(ways)](number)
            time.sleep(PAUSE_S)

    def _apply_by_signal(self, number: int) -> None:
        self._write(number)
        began_s = time.monotonic()
        os.kill(self._tree.supervisor, signal.SIGHUP)
        self._await_force(number, began_s)

    def _apply(self, number: int) -> None:
        self._write(number)
        began_s = time.monotonic()
        asked = self._workers[number // 4 % len(self._workers)]
        status, _ = _ask(asked, "POST", "config/reload", self._tree.server.token)
        if status != 200 or self._in_force(asked) != number:
            self._tally.faults.append(f"reload {number}: answered {status}, not in force there")
        self._await_force(number, began_s)

    def _refuse_by_signal(self, number: int) -> None:
        before = self._tree.server.log().count("config.refused")
        self._write(number, wrong=True)
        os.kill(self._tree.supervisor, signal.SIGHUP)
        wait_until(
            lambda: self._tree.server.log().count("config.refused") > before, "a line in the log"
        )
        self._see_nothing_changed(number)

    def _refuse(self, number: int) -> None:
        self._write(number, wrong=True)
        asked = self._workers[number // 4 % len(self._workers)]
        status, problem = _ask(asked, "POST", "config/reload", self._tree.server.token)
        told = [(mistake["line"], mistake["key"]) for mistake in problem.get("mistakes", [])]
        if status != 422 or told != [(5, "net.max_unread")]:
            self._tally.faults.append(f"reload {number}: answered {status}: {problem}")
        self._see_nothing_changed(number)

    def _write(self, number: int, *, wrong: bool = False) -> None:
        """A file of its own for each number; wrong ones would change as much."""
        self._tree.write_settings(
            f"[net]\nmax_pending = {10_000 + number}\n"
            f"pump_interval = {('auto', 0, 10)[number % 3]!r}\n"
            f"max_pending_per_address = {1000 + number}\n"
            f"max_unread = {'0' if wrong else 262_144 + number}\n"
            f"[streams]\nlatency_ceiling_ms = {PATIENT_MS}\ngrace_s = {15 + number % 5}\n"
            f"max_viewers = {(0, 5000)[number // 4 % 2]}\n"
        )

    def _await_force(self, number: int, began_s: float) -> None:
        wait_until(
            lambda: all(self._in_force(worker) == number for worker in self._workers),
            f"reload {number} in all workers",
        )
        self._mark = number
        self._tally.applied_ms.append((time.monotonic() - began_s) * 1000)

    def _see_nothing_changed(self, number: int) -> None:
        self._tally.refused += 1
        for worker in self._workers:
            if self._in_force(worker) != self._mark:
                self._tally.faults.append(f"reload {number}: refused, but something changed")

    def _in_force(self, worker: http.client.HTTPConnection) -> int:
        _, answer = _ask(worker, "GET", "config", self._tree.server.token)
        return int(answer["settings"]["net"]["max_pending"]) - 10_000


@contextmanager
def _asking_all(tree: ServerTree) -> Iterator[list[http.client.HTTPConnection]]:
    """A connection to the API of each worker."""
    with ExitStack() as stack:
        found: dict[int, http.client.HTTPConnection] = {}

        def all_found() -> bool:
            connection = http.client.HTTPConnection(tree.http.host, tree.http.port, timeout=20)
            stack.callback(connection.close)
            _ask(connection, "GET", "config", tree.server.token)
            pid = tree.whereabouts().get(connection.sock.getsockname()[1], 0)
            found.setdefault(pid, connection)
            return len(found) == 2

        wait_until(all_found, "a connection to each worker")
        yield list(found.values())


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, token: str
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    connection.request(method, f"/api/v1/{path}", headers=headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def _await_calm(tree: ServerTree, arrivals: Arrivals) -> None:
    """Wait until the last who arrived has left, and nothing of what they published is there."""
    wait_until(lambda: not arrivals.report().present, "the end of the last who arrived")
    wait_until(
        lambda: len(tree.server.api("streams")["streams"]) == len(STREAMS),
        "the end of their streams",
        LET_GO_S,
    )


def _settle(tree: ServerTree, before: Held) -> Held:
    """Wait until the server has let go of the sockets of those who arrived; what it holds then."""
    deadline_s = time.monotonic() + LET_GO_S
    while time.monotonic() < deadline_s:
        held = tree.look()
        if held.descriptors <= before.descriptors + DESCRIPTORS:
            return held
        time.sleep(1)
    return tree.look()


def _longest_gap_ms(crowd: Crowd) -> float:
    gaps = [visit.longest for visit in crowd.visits()]
    return worst([(gap.to_ns - gap.from_ns) / 1e6 for gap in gaps])


def _judge(report: Report, crowd: Crowd, settings: Settings) -> None:
    visits = crowd.visits()
    for visit in visits:
        who = f"viewer {visit.viewer} of {visit.stream} over {visit.protocol}"
        report.faults += [f"{who}: {fault}" for fault in visit.faults]
        if visit.closed_ns:
            report.tell(f"{who} was disconnected: {visit.refusal}")
    cut_off = sum(len(encoder.sessions) - 1 for encoder in crowd.encoders())
    report.at_most("encoders and viewers disconnected", cut_off, 0)
    limit_ms = NOTICED_MS * settings.leniency
    report.at_most("longest gap of a viewer meanwhile", _longest_gap_ms(crowd), limit_ms, "ms")
    report.note("the viewers' own lateness", crowd.late_ms(), "ms")
    late_ms = worst([encoder.late_ms for encoder in crowd.encoders()])
    report.note("the encoders' own lateness", late_ms, "ms")
    report.at_most("messages missing", sum(visit.missing for visit in visits), 0)
    report.at_most("messages doubled", sum(visit.doubled for visit in visits), 0)


def _fill(report: Report, tally: Tally, times: int, took_s: float, settings: Settings) -> None:
    report.note("time for all", took_s, "s")
    report.at_least("applied", len(tally.applied_ms), times // 2)
    report.at_least("refused", tally.refused, times // 2)
    limit_ms = APPLIED_MS * settings.leniency
    report.at_most("in force everywhere after, at worst", worst(tally.applied_ms), limit_ms, "ms")
    report.note("median of that", percentile(tally.applied_ms, 0.5), "ms")
    report.faults += tally.faults


def _compare(
    report: Report,
    before: Held,
    after: Held,
    inside: dict[int, Holdings],
    inside_after: dict[int, Holdings],
    objects_limit: int,
) -> None:
    if inside.keys() != inside_after.keys():
        report.tell(f"workers are {sorted(inside_after)}, were {sorted(inside)}")
        return
    grown_mb = (after.memory_bytes - before.memory_bytes) / MB
    report.at_most("memory under the same load, grown by", grown_mb, MEMORY_MB, "MB")
    more = after.descriptors - before.descriptors
    report.at_most("descriptors, more", more, DESCRIPTORS)
    objects = sum(inside_after[pid].objects - inside[pid].objects for pid in inside)
    report.at_most("objects in the workers, more", objects, objects_limit)
    tasks = sum(inside_after[pid].tasks - inside[pid].tasks for pid in inside)
    report.note("tasks in the workers, more", tasks)
