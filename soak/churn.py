"""Churn: connections of all kinds that come and go, for half an hour, and nothing may be left.

The first four minutes, with five times as many, make everything that is made only once. Then
all leave, and what the server holds is its base. Half an hour later, when all have left again,
it is to hold no more. Two viewers in each protocol watch one stream all the while and must not
notice.
"""

from __future__ import annotations

import time

from .aftermath import worst
from .crowd import Crowd
from .passers import Passers
from .picture import Curve, draw
from .report import Report
from .server import Held, Holdings, ServerTree, running_tree, until
from .settings import Settings

# Nobody is to be waited for long when all have left.
STREAMS = {"grace_s": 3, "wait_s": 3}
SHORT_STREAMS = {"grace_s": 1, "wait_s": 1}
SHORT_NET = {"handshake_s": 3, "connect_s": 3, "request_s": 3}
WITNESS = "witness"
RATE = 12  # connections a second: more than 20 000 in half an hour
SHORT_RATE = 20
WARM_UP_RATE, WARM_UP_S, SHORT_WARM_UP_S = 60, 240, 6  # 14 000 connections fill all pools
FULL_CONNECTIONS, SHORT_CONNECTIONS = 20_000, 250
SAMPLE_S = 2.0
LET_GO_S = 30.0  # beyond the deadlines of those who say nothing

NOTICED_MS = 250
MEMORY_MB = 8
TASKS = 2
OBJECTS = 2000  # of 20 000 connections: not one in ten may leave one behind
SHORT_OBJECTS = 1500  # the libraries' caches of addresses are not yet full after some seconds
MB = 1 << 20

SERIES = {
    "minutes": "",
    "memory_mb": "memory of all processes, MB (PSS and memory files)",
    "segments": "segments of logs",
    "descriptors": "descriptors",
    "streams": "streams",
    "connections": "connections so far",
}


class Samples:
    """What the server holds, looked at every two seconds."""

    def __init__(self, tree: ServerTree, report: Report, passers: Passers) -> None:
        self._tree = tree
        self._series = report.series
        self._passers = passers
        self._began_s = time.monotonic()
        for name in SERIES:
            self._series[name] = []

    def take_until(self, moment_s: float) -> None:
        """Look again and again until a moment of the monotonic clock."""
        while time.monotonic() < moment_s:
            next_s = time.monotonic() + SAMPLE_S
            self.take()
            until(min(next_s, moment_s))

    def take(self) -> Held:
        """Look once."""
        held = self._tree.look()
        streams = self._tree.server.api("server")["streams"]
        sample = {
            "minutes": (time.monotonic() - self._began_s) / 60,
            "memory_mb": held.memory_bytes / MB,
            "segments": held.segments,
            "descriptors": held.descriptors,
            "streams": sum(streams.values()),
            "connections": self._passers.report().connections,
        }
        for name, value in sample.items():
            self._series[name].append(round(value, 3))
        return held


def run(settings: Settings) -> Report:
    """Half an hour; 20 seconds of it in the short form."""
    minutes = settings.pick(full=30.0, short=1 / 3)
    rate = settings.pick(full=RATE, short=SHORT_RATE)
    what = f"{minutes:.1f} minutes of about {rate} connections a second, seed {settings.seed}."
    report = Report("Churn", what)
    streams = settings.pick(full=STREAMS, short=SHORT_STREAMS)
    net = settings.pick(full={}, short=SHORT_NET)
    patience_s = settings.pick(full=12, short=4)
    with (
        running_tree(2, streams=streams, net=net) as tree,
        Crowd(tree.rtmp, tree.http, tree.server.key) as crowd,
        Passers(tree.rtmp, tree.http, tree.server.key, settings.seed, patience_s) as passers,
    ):
        samples = Samples(tree, report, passers)
        passers.begin(settings.pick(full=WARM_UP_RATE, short=SHORT_RATE))
        warm_up_s = settings.pick(full=WARM_UP_S, short=SHORT_WARM_UP_S)
        samples.take_until(time.monotonic() + warm_up_s)
        base, base_inside = _settle(tree, passers, samples)
        before = passers.report()
        crowd.encode(WITNESS)
        crowd.watch(WITNESS, rtmp=2, flv=2)
        passers.begin(rate)
        samples.take_until(time.monotonic() + minutes * 60)
        _judge_witnesses(crowd, report, settings)
        end, end_inside = _settle(tree, passers, samples)
        passed = passers.report()
        report.log = tree.server.log()
    connections = passed.connections - before.connections
    least = settings.pick(full=FULL_CONNECTIONS, short=SHORT_CONNECTIONS)
    report.at_least("connections", connections, least)
    for kind, count in sorted(passed.kinds.items()):
        report.note(f"visits: {kind}", count - before.kinds.get(kind, 0))
    report.note("messages that their viewers checked", passed.messages - before.messages)
    report.faults += passed.faults
    _compare(report, base, end)
    _compare_inside(tree, report, base_inside, end_inside, settings)
    return report


def pictures(report: Report) -> dict[str, str]:
    """The curves."""
    series = report.series
    curves = [Curve(title, series[name]) for name, title in SERIES.items() if title]
    return {"churn": draw(series["minutes"], curves)}


def _settle(
    tree: ServerTree, passers: Passers, samples: Samples
) -> tuple[Held, dict[int, Holdings]]:
    """Wait until all have left and the server has let go of them; look what it holds then."""
    passers.end()
    deadline_s = time.monotonic() + LET_GO_S
    lowest = samples.take()
    while time.monotonic() < deadline_s:
        samples.take_until(time.monotonic() + SAMPLE_S)
        held = samples.take()
        gone = not passers.report().present and not held.segments
        if gone and held.descriptors >= lowest.descriptors:
            break
        lowest = held
    return held, tree.holdings()


def _judge_witnesses(crowd: Crowd, report: Report, settings: Settings) -> None:
    """Those who were there all the while; then they leave."""
    visits, encoders = crowd.visits(), crowd.encoders()
    crowd.dismiss()
    crowd.retire()
    for visit in visits:
        who = f"witness {visit.viewer} over {visit.protocol}"
        report.faults += [f"{who}: {fault}" for fault in visit.faults]
        if visit.closed_ns:
            report.tell(f"{who} was disconnected: {visit.refusal}")
    gaps_ms = [(gap.to_ns - gap.from_ns) / 1e6 for visit in visits for gap in visit.gaps]
    limit_ms = NOTICED_MS * settings.leniency
    report.note("messages that the witnesses checked", sum(visit.received for visit in visits))
    report.at_most("missing or doubled", sum(v.missing + v.doubled for v in visits), 0)
    report.at_most("the witnesses' longest gap", worst(gaps_ms), limit_ms, "ms")
    report.note("their encoder's own lateness, at worst", encoders[0].late_ms, "ms")
    sessions = len(encoders[0].sessions)
    report.at_most("times that their encoder was cut off", sessions - 1, 0)


def _compare(report: Report, base: Held, end: Held) -> None:
    report.note("memory at the base", base.memory_bytes / MB, "MB")
    grown_mb = (end.memory_bytes - base.memory_bytes) / MB
    report.at_most("memory at the end, more than that", grown_mb, MEMORY_MB, "MB")
    report.at_most("log segments at the end, more", end.segments - base.segments, 0)
    report.at_most("descriptors at the end, more", end.descriptors - base.descriptors, 0)
    report.at_most("processes at the end, more", end.processes - base.processes, 0)


def _compare_inside(
    tree: ServerTree,
    report: Report,
    base: dict[int, Holdings],
    end: dict[int, Holdings],
    settings: Settings,
) -> None:
    """Tasks and objects; of what there is more, the kinds are told."""
    if base.keys() != end.keys():
        report.tell(f"workers are {sorted(end)}, were {sorted(base)}:\n{tree.server.log()[-2000:]}")
        return
    tasks = sum(end[pid].tasks - base[pid].tasks for pid in base)
    objects = sum(end[pid].objects - base[pid].objects for pid in base)
    limit = settings.pick(full=OBJECTS, short=SHORT_OBJECTS)
    report.at_most("tasks at the end, more", tasks, TASKS)
    report.at_most("objects at the end, more", objects, limit)
    if tasks > TASKS or objects > limit:
        for pid in base:
            more = {
                kind: count - base[pid].kinds.get(kind, 0)
                for kind, count in end[pid].kinds.items()
                if count > base[pid].kinds.get(kind, 0)
            }
            report.tell(f"worker process {pid} has more of {more}")
