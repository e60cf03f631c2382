"""Storm: a thousand viewers of one stream within five seconds and gone again, five times.

Four viewers were there before, two over each protocol, in a process of their own, as the
encoder is in its own. They measure what passes between two messages; what the load itself was
late by is told beside it.
"""

from __future__ import annotations

import time
from collections import Counter

from bench.report import percentile
from tests.server import wait_until

from .aftermath import worst
from .crowd import Crowd
from .report import Report
from .rush import Rush, Rushed
from .server import Held, ServerTree, running_tree, until
from .settings import Settings
from .stream import STEP_MS
from .viewer import Visit

STREAM = "storm"
WATCHERS = 2  # over each protocol
JOIN_S = 5.0
STAY_S = 3.0
CALM_S = 2.0  # before the first, and between two
COMING_S = 30.0  # for all to have a picture; a storm that takes so long has failed

NOTICED_MS = 100
MEMORY_MB = 10  # each process comes to keep its newest events and lines of the log, 1 MB
FIRST_HANDSHAKES_MB = 10  # what OpenSSL keeps of each worker's first ones
DESCRIPTORS = 12  # the stream's log has now one segment more, now one less, in each worker
SPREAD = 0.65  # at most this share of the viewers in one of two workers
SHORT_SPREAD = 0.75  # where they are so few that it matters that the first sit with the publisher
MB = 1 << 20


def run(settings: Settings, *, encrypted: bool = False) -> Report:
    """Ten storms of 1000; one of 200 in the short form. `encrypted`: with TLS."""
    storms = settings.pick(full=10, short=1)
    viewers = settings.pick(full=1000, short=200)
    over = "RTMPS" if encrypted else "RTMP"
    what = f"{storms} times {viewers} viewers within {JOIN_S:g} s, over {over}."
    report = Report("Handshakes" if encrypted else "Storm", what)
    with (
        running_tree(2, encrypted=encrypted) as tree,
        Crowd(tree.rtmp, tree.http, tree.server.key) as studio,
        Crowd(tree.rtmp, tree.http, tree.server.key) as watchers,
        Rush(tree.rtmps if encrypted else tree.rtmp, STREAM) as rush,
    ):
        studio.encode(STREAM)
        watchers.watch(STREAM, rtmp=WATCHERS, flv=WATCHERS)
        wait_until(lambda: all(visit.received for visit in watchers.visits()), "a first picture")
        time.sleep(CALM_S)
        _judge_calm(report, watchers)
        calm = tree.look()
        for number in range(1, storms + 1):
            studio.forget()
            watchers.forget()
            cpu_s = tree.look().cpu_s
            began_ns = time.monotonic_ns()
            rushed = _storm(tree, rush, viewers, report, number, settings)
            _judge(report, number, watchers.visits(), began_ns, settings)
            report.note("the watchers' own lateness", watchers.late_ms(), "ms")
            late_ms = worst([encoder.late_ms for encoder in studio.encoders()])
            report.note("the encoder's own lateness", late_ms, "ms")
            report.note("processor time of the server", tree.look().cpu_s - cpu_s, "s")
            _judge_rush(report, rushed, viewers)
            if number == storms // 2:
                calm = tree.look()  # the first ones make room: for a thousand, for events and lines
        first = encrypted and storms == 1
        _judge_rest(report, calm, tree.look(), MEMORY_MB + first * FIRST_HANDSHAKES_MB)
        report.log = tree.server.log()
    return report


def _storm(
    tree: ServerTree, rush: Rush, viewers: int, report: Report, number: int, settings: Settings
) -> Rushed:
    """Let them come, stay and leave; return what they met, just before they left."""
    started_s = time.monotonic()
    rush.come(viewers, JOIN_S)
    until(started_s + JOIN_S)
    deadline_s = started_s + COMING_S
    while len(rush.met().first_ms) < viewers and time.monotonic() < deadline_s:
        time.sleep(0.1)
    time.sleep(STAY_S)
    rushed = rush.met()
    whereabouts = tree.whereabouts()
    shares = Counter(whereabouts.get(port, 0) for port in rushed.ports)
    most = max(shares.values(), default=viewers) / max(len(rushed.ports), 1)
    limit = settings.pick(full=SPREAD, short=SHORT_SPREAD) * 100
    report.at_most(f"storm {number}: share of the fuller worker", most * 100, limit, "%")
    rush.leave()
    until(time.monotonic() + CALM_S)
    return rushed


def _judge_calm(report: Report, watchers: Crowd) -> None:
    """What the watchers see when nothing happens, to compare with."""
    longest = [visit.longest for visit in watchers.visits()]
    report.note("longest gap before", worst([(g.to_ns - g.from_ns) / 1e6 for g in longest]), "ms")


def _judge(
    report: Report, number: int, visits: list[Visit], began_ns: int, settings: Settings
) -> None:
    gaps = []
    for visit in visits:
        report.faults += [f"storm {number}, watcher: {fault}" for fault in visit.faults]
        if visit.closed_ns:
            report.tell(f"storm {number}: a watcher was disconnected: {visit.refusal}")
        gaps.append(visit.longest)
    gap = max(gaps, key=lambda gap: gap.to_ns - gap.from_ns)
    gap_ms = (gap.to_ns - gap.from_ns) / 1e6
    late_ms = max(gap.sent_ns / 1e6 - STEP_MS, 0)
    what = f"storm {number}: the watchers' longest gap"
    report.at_most(what, gap_ms, NOTICED_MS * settings.leniency, "ms")
    report.note("of that not by the encoder's lateness", max(gap_ms - late_ms, 0), "ms")
    report.note("it ended so long after the first came", (gap.to_ns - began_ns) / 1e9, "s")


def _judge_rush(report: Report, rushed: Rushed, viewers: int) -> None:
    report.at_most("viewers refused or disconnected", len(rushed.lost), 0)
    report.at_least("viewers with a picture", len(rushed.first_ms), viewers)
    report.note("all had one after", rushed.joined_s, "s")
    report.note("median time to the first picture", percentile(rushed.first_ms, 0.5), "ms")
    report.note("99th percentile", percentile(rushed.first_ms, 0.99), "ms")
    report.faults += [f"a viewer: {fault}" for fault in rushed.faults]
    report.faults += [f"viewers were lost: {why} ({n})" for why, n in Counter(rushed.lost).items()]


def _judge_rest(report: Report, calm: Held, rest: Held, memory_mb: int) -> None:
    """After the last storm it is to be as after half of them."""
    grown_mb = (rest.memory_bytes - calm.memory_bytes) / MB
    report.at_most(
        "memory after the last storm, more than after half of them", grown_mb, memory_mb, "MB"
    )
    report.at_most(
        "descriptors after the last storm, more", rest.descriptors - calm.descriptors, DESCRIPTORS
    )
