"""Replacement: SIGUSR2 under load, again and again; nobody is refused, cut off or kept waiting.

Each time:

1. The server is told while people publish, watch, and arrive at 50 a second.
2. When the new generation accepts connections, newcomers watch the publishers of the old one.
3. Half of the encoders lose their connections: they come back to the new generation, and the
   viewers of the old one go on with them.
4. The old generation ends when its time is up; who is still there then comes back.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field

from tests.server import wait_until

from .aftermath import unserved, worst
from .arrivals import Arrivals
from .crowd import Crowd
from .report import Report
from .server import Held, ServerTree, running_tree
from .settings import Settings
from .stream import GROUP_MS
from .tables import mistakes
from .viewer import Visit

STAYING = ("stay1", "stay2")  # streams whose encoders stay with the old generation
MOVING = ("move1", "move2")  # streams whose encoders reconnect
STREAMS = (*STAYING, *MOVING)
VIEWERS_EACH = 4  # of a stream, over each protocol
NEWCOMERS = 4  # of a stream of either kind, over each protocol
RATE, SHORT_RATE = 50.0, 25.0  # arrivals a second
STOP_S = 5
FULL_DRAIN_S, SHORT_DRAIN_S = 20, 12
BEFORE_S = 2.0
AFTER_S = 3.0  # for the return of encoders and the end of gaps
FRESH_MS = 500

NOTICED_MS = 250
STARTED_S = 60.0  # for the new generation to accept connections; nobody waits for it
GONE_S = STOP_S + 3.0  # beyond `drain_s`: publishers are asked to connect elsewhere first
RIGHT_S = 3.0
MEMORY_MB = 16  # each process comes to keep its newest events and lines of the log, 1 MB
MB = 1 << 20


@dataclass(slots=True)
class Tally:
    """What all replacements came to."""

    started_s: list[float] = field(default_factory=list)
    gone_s: list[float] = field(default_factory=list)
    gaps_ms: list[float] = field(default_factory=list)  # of viewers whose encoder stayed
    move_gaps_ms: list[float] = field(default_factory=list)  # whose encoder came back elsewhere
    over_ms: list[float] = field(default_factory=list)  # beyond its return and a picture group
    first_ms: list[float] = field(default_factory=list)  # of newcomers
    disconnected: int = 0  # before the old generation's time was up
    newcomers: int = 0
    moved: int = 0
    missing: int = 0
    doubled: int = 0
    late_ms: float = 0.0


def run(settings: Settings) -> Report:
    """Five replacements; one in the short form."""
    times = settings.pick(full=5, short=1)
    drain_s = settings.pick(full=FULL_DRAIN_S, short=SHORT_DRAIN_S)
    what = f"{times} times SIGUSR2 under load, `drain_s` {drain_s}, seed {settings.seed}."
    report, tally = Report("Replacement", what), Tally()
    with (
        running_tree(2, server={"drain_s": drain_s, "stop_s": STOP_S}) as tree,
        Crowd(tree.rtmp, tree.http, tree.server.key) as crowd,
        Arrivals(tree.rtmp, tree.http, tree.server.key, settings.seed, STREAMS) as arrivals,
    ):
        tree.ask_every_worker("server")
        empty = tree.look()
        crowd.encode(*STREAMS)
        for stream in STREAMS:
            crowd.watch(stream, rtmp=VIEWERS_EACH, flv=VIEWERS_EACH)
        _await_service(crowd)
        loaded = tree.look()
        arrivals.begin(settings.pick(full=RATE, short=SHORT_RATE))
        for number in range(1, times + 1):
            faults = _Replacement(tree, crowd, tally, drain_s).run()
            report.faults += [f"replacement {number}: {fault}" for fault in faults]
        loaded_after = tree.look()
        arrivals.end()
        wait_until(lambda: not arrivals.report().present, "the end of the last who arrived")
        arrived = arrivals.report()
        report.faults += _wrong_tables(tree, crowd)
        crowd.dismiss()
        crowd.retire()
        wait_until(lambda: not tree.server.api("streams")["streams"], "the streams' end")
        after = tree.look()
        report.log = tree.server.log()
    _fill(report, tally, drain_s, settings.leniency)
    report.note("connections that arrived meanwhile", arrived.total)
    report.at_most("of these refused, cut off or left waiting", len(arrived.failures), 0)
    for what, worst_ms in sorted(arrived.worst_ms.items()):
        report.note(f"longest wait of those who {what}", worst_ms, "ms")
    report.faults += arrived.failures
    _compare(report, empty, after)
    grown_mb = (loaded_after.memory_bytes - loaded.memory_bytes) / MB
    report.at_most("memory under the same load, grown by", grown_mb, MEMORY_MB, "MB")
    return report


class _Replacement:
    """One replacement."""

    def __init__(self, tree: ServerTree, crowd: Crowd, tally: Tally, drain_s: float) -> None:
        self._tree = tree
        self._crowd = crowd
        self._tally = tally
        self._drain_s = drain_s
        self._faults: list[str] = []
        self._up_s = float("inf")  # when the old generation's time is up

    def run(self) -> list[str]:
        """Replace, and return what went wrong."""
        tree, tally = self._tree, self._tally
        self._crowd.forget()
        time.sleep(BEFORE_S)
        old = set(tree.workers().values())
        told_s = time.monotonic()
        os.kill(tree.supervisor, signal.SIGUSR2)
        wait_until(lambda: self._new(old), "a new generation", STARTED_S)
        there_s = time.monotonic()
        tally.started_s.append(there_s - told_s)
        with Crowd(tree.rtmp, tree.http, tree.server.key) as newcomers:
            for stream in (STAYING[0], MOVING[0]):
                newcomers.watch(stream, rtmp=NEWCOMERS, flv=NEWCOMERS)
            _await_service(newcomers)
            self._up_s = there_s + self._drain_s
            self._look_at_newcomers(newcomers, old)
            self._judge(self._crowd, set())
            self._crowd.forget()
            self._move(old)
            wait_until(lambda: not old & tree.children(), "the old generation's end", 60)
            tally.gone_s.append(time.monotonic() - there_s)
            self._judge(newcomers, set(STREAMS))
        self._judge(self._crowd, set(STAYING))
        _await_service(self._crowd)
        return self._faults

    def _new(self, old: set[int]) -> bool:
        return len(set(self._tree.workers().values()) - old) == len(old)

    def _look_at_newcomers(self, newcomers: Crowd, old: set[int]) -> None:
        """They came after the new generation: they are to be there, whoever has the publisher."""
        whereabouts = self._tree.whereabouts()
        for visit in newcomers.visits():
            self._tally.newcomers += 1
            self._tally.first_ms.append((visit.began_ns - visit.asked_ns) / 1e6)
            if whereabouts.get(visit.port) in old:
                self._faults.append("somebody new came to the old generation")

    def _move(self, old: set[int]) -> None:
        """Cut half of the encoders off, and see where they return to."""
        for name in MOVING:
            self._crowd.cut(name)
        time.sleep(AFTER_S)
        _await_service(self._crowd)
        whereabouts = self._tree.whereabouts()
        live = {}
        for encoder in self._crowd.encoders():
            there = whereabouts.get(encoder.port)
            self._tally.late_ms = max(self._tally.late_ms, encoder.late_ms)
            self._faults += [f"encoder of {encoder.name}: {why}" for why in encoder.refusals]
            if encoder.name in MOVING:
                live[encoder.name] = encoder.sessions[-1].live_ns
                self._tally.moved += there not in old
            elif time.monotonic() > self._up_s:
                continue  # on a machine that is too slow, it has left already
            elif there not in old or len(encoder.sessions) > 1:
                self._faults.append(f"encoder of {encoder.name} did not stay where it was")
        for visit in self._crowd.visits():
            if visit.stream in live:
                self._add_move(visit, live[visit.stream])
        self._judge(self._crowd, set(MOVING))
        self._crowd.forget()

    def _add_move(self, visit: Visit, live_ns: int) -> None:
        gap = visit.longest
        self._tally.move_gaps_ms.append((gap.to_ns - gap.from_ns) / 1e6)
        self._tally.over_ms.append((gap.to_ns - live_ns) / 1e6 - GROUP_MS)

    def _judge(self, crowd: Crowd, restless: set[str]) -> None:
        """Look at all viewers; those of `restless` streams may have had a gap."""
        tally = self._tally
        for visit in crowd.visits():
            who = f"viewer {visit.viewer} of {visit.stream} over {visit.protocol}"
            self._faults += [f"{who}: {fault}" for fault in visit.faults]
            tally.missing += visit.missing
            tally.doubled += visit.doubled
            if visit.closed_ns and not visit.left and visit.closed_ns < self._up_s * 1e9:
                tally.disconnected += 1
                self._faults.append(f"{who} was cut off: {visit.refusal or 'nothing was said'}")
            if visit.stream not in restless:
                gap = visit.longest
                tally.gaps_ms.append((gap.to_ns - gap.from_ns) / 1e6)


def _await_service(crowd: Crowd) -> None:
    def all_served() -> bool:
        now_ns = time.monotonic_ns()
        return not any(unserved(crowd.encoders(), crowd.visits(), now_ns, FRESH_MS))

    wait_until(all_served, "service for all encoders and viewers")


def _wrong_tables(tree: ServerTree, crowd: Crowd) -> list[str]:
    """What tables say wrongly when all who had come for a moment have left."""
    deadline_s = time.monotonic() + RIGHT_S
    while wrong := mistakes(tree, crowd.encoders(), crowd.visits()):
        if time.monotonic() > deadline_s:
            break
    return wrong


def _fill(report: Report, tally: Tally, drain_s: float, leniency: int) -> None:
    noticed_ms = NOTICED_MS * leniency
    report.note("new generation there after, at worst", worst(tally.started_s), "s")
    gone_s = drain_s + GONE_S * leniency
    report.at_most("old generation gone after, at worst", worst(tally.gone_s), gone_s, "s")
    report.at_most("viewers disconnected before its time was up", tally.disconnected, 0)
    report.at_most("longest gap of those who stayed", worst(tally.gaps_ms), noticed_ms, "ms")
    report.note("newcomers to publishers of the old generation", tally.newcomers)
    report.note("their longest time to the first picture", worst(tally.first_ms), "ms")
    report.at_least(
        "encoders that came back to the new generation",
        tally.moved,
        len(tally.gone_s) * len(MOVING),
    )
    report.note("longest gap of their viewers", worst(tally.move_gaps_ms), "ms")
    over_ms = max(worst(tally.over_ms), 0)
    what = "of that beyond the encoder's return and one picture group"
    report.at_most(what, over_ms, noticed_ms, "ms")
    report.at_most("messages missing", tally.missing, 0)
    report.at_most("messages doubled", tally.doubled, 0)
    report.note("an encoder's own lateness, at worst", tally.late_ms, "ms")


def _compare(report: Report, empty: Held, after: Held) -> None:
    report.at_most("descriptors left over", after.descriptors - empty.descriptors, 0)
    report.at_most("processes left over", after.processes - empty.processes, 0)
    report.at_most("log segments left over", after.segments - empty.segments, 0)
