"""Kills: `kill -9` of a random worker, again and again, while people publish and watch.

Three streams, each with viewers over RTMP and HTTP-FLV in both workers (`gather_viewers` is off,
or those over RTMP would sit with the publisher). Encoders come back a second after they were cut
off, in the middle of a picture group; viewers after half a second.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from random import Random
from urllib.error import URLError

from tests.server import wait_until

from .aftermath import Aftermath, Death, unserved, worst
from .crowd import Crowd
from .report import Report
from .server import Held, ServerTree, running_tree
from .settings import Settings
from .tables import mistakes

STREAMS = ("one", "two", "three")
VIEWERS_EACH = 11  # of a stream, over each protocol
GRACE_S = 4  # four times what an encoder needs to come back
LONG_LIFE_S = 10.5  # workers that die sooner, again and again, are replaced with a delay
SHORT_LIFE_S = 2.0
FIRST_KILLS = 10  # make each worker as large as it gets; what comes after must not add to that
FRESH_MS = 500  # a viewer whose newest message is younger is being served
LET_GO_S = 10.0
AFTER_S = 0.5  # for the end of gaps of which the return of everybody was the beginning

REPLACED_S = 2.0
RIGHT_S = 3.0
NOTICED_MS = 250  # a gap; server and load share two cores
GROWTH_MB = 12
MB = 1 << 20


@dataclass(slots=True)
class Tally:
    """What all kills came to."""

    aftermath: Aftermath = field(default_factory=Aftermath)
    replaced_s: list[float] = field(default_factory=list)
    right_s: list[float] = field(default_factory=list)  # tables, after everybody was back
    late_ms: float = 0.0
    missing: int = 0
    doubled: int = 0
    received: int = 0


def run(settings: Settings) -> Report:
    """Kill 50 workers; five in the short form."""
    kills = settings.pick(full=50, short=5)
    report = Report("Kills", f"{kills} times `kill -9` of a random worker, seed {settings.seed}.")
    tally, chance = Tally(), settings.chance()
    with (
        running_tree(2, streams={"grace_s": GRACE_S}, net={"gather_viewers": 0}) as tree,
        Crowd(tree.rtmp, tree.http, tree.server.key) as crowd,
    ):
        tree.ask_every_worker("server")  # what is made at the first request is there now
        empty = tree.look()
        crowd.encode(*STREAMS)
        for stream in STREAMS:
            crowd.watch(stream, rtmp=VIEWERS_EACH, flv=VIEWERS_EACH)
        _await_service(crowd)
        loaded = tree.look()
        first = loaded.memory_bytes
        for number in range(1, kills + 1):
            crowd.forget()
            time.sleep(chance.uniform(0, 1) + settings.pick(full=LONG_LIFE_S, short=SHORT_LIFE_S))
            wrong = _kill(tree, crowd, chance, tally)
            report.faults += [f"kill {number}: {mistake}" for mistake in wrong]
            report.faults += [f"kill {number}: {fault}" for fault in tally.aftermath.faults]
            tally.aftermath.faults.clear()
            if number == settings.pick(full=FIRST_KILLS, short=0):
                loaded = tree.look()  # each has had the other one's viewers by now
        loaded_after = tree.look()
        crowd.dismiss()
        crowd.retire()
        wait_until(lambda: not tree.server.api("streams")["streams"], "the streams' end")
        after = _settled(tree, empty)
        report.log = tree.server.log()
        if after.descriptors > empty.descriptors:
            report.tell(f"descriptors at last, by process: {tree.descriptors()}")
    _fill(report, tally, kills, settings.leniency)
    report.at_most("descriptors left over", after.descriptors - empty.descriptors, 0)
    report.at_most("processes left over", after.processes - empty.processes, 0)
    report.at_most("log segments left over", after.segments - empty.segments, 0)
    grown_mb = (loaded_after.memory_bytes - loaded.memory_bytes) / MB
    report.note("memory before the first", first / MB, "MB")
    report.note("memory at the base", loaded.memory_bytes / MB, "MB")
    report.at_most("memory under the same load, grown by", grown_mb, GROWTH_MB, "MB")
    return report


def _kill(tree: ServerTree, crowd: Crowd, chance: Random, tally: Tally) -> list[str]:
    """Kill a worker, wait until everything is as it was; return what tables then are wrong."""
    victim = chance.choice(sorted(tree.children()))
    homes = {encoder.name: encoder.port for encoder in crowd.encoders()}
    death = Death(time.monotonic_ns(), victim, tree.whereabouts(), homes)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: _is_replaced(tree, victim), "the dead worker's replacement")
    tally.replaced_s.append((time.monotonic_ns() - death.at_ns) / 1e9)
    _await_service(crowd)
    back_s = time.monotonic()
    while wrong := mistakes(tree, crowd.encoders(), crowd.visits()):
        if time.monotonic() - back_s > RIGHT_S:
            break
    tally.right_s.append(time.monotonic() - back_s)
    time.sleep(AFTER_S)
    encoders, visits = crowd.encoders(), crowd.visits()
    tally.aftermath.add(death, encoders, visits)
    tally.late_ms = max(tally.late_ms, *(encoder.late_ms for encoder in encoders))
    tally.missing += sum(visit.missing for visit in visits)
    tally.doubled += sum(visit.doubled for visit in visits)
    return wrong


def _is_replaced(tree: ServerTree, victim: int) -> bool:
    """Whether all workers are ready, and the dead one is not among them."""
    try:
        workers = tree.workers().values()
    except (URLError, ConnectionError):  # it was the victim who was asked
        return False
    return len(workers) == 2 and victim not in workers


def _await_service(crowd: Crowd) -> None:
    """Wait until all encoders are on air and all viewers get something."""

    def all_served() -> bool:
        now_ns = time.monotonic_ns()
        return not any(unserved(crowd.encoders(), crowd.visits(), now_ns, FRESH_MS))

    wait_until(all_served, "the return of all encoders and viewers")


def _settled(tree: ServerTree, empty: Held) -> Held:
    """What the server holds when all have left; it gets some time to let go."""
    deadline_s = time.monotonic() + LET_GO_S
    while (held := tree.look()).descriptors > empty.descriptors:
        if time.monotonic() > deadline_s:
            break
        time.sleep(0.2)
    return held


def _fill(report: Report, tally: Tally, kills: int, leniency: int) -> None:
    after, noticed_ms = tally.aftermath, NOTICED_MS * leniency
    report.note("workers killed", kills)
    report.at_most("replaced after, at worst", worst(tally.replaced_s), REPLACED_S * leniency, "s")
    report.note("publishers cut off", after.cut_publishers)
    report.note("viewers cut off with their worker", after.cut_viewers)
    report.at_most("viewers of other workers disconnected", after.disconnected, 0)
    report.note("their longest gap, publisher cut off", worst(after.gaps_ms), "ms")
    report.at_most(
        "of that beyond the publisher's return and one picture group",
        max(worst(after.over_ms), 0),
        noticed_ms,
        "ms",
    )
    report.at_most(
        "their longest gap, publisher untouched", worst(after.calm_gaps_ms), noticed_ms, "ms"
    )
    report.note("viewers cut off were served again after, at worst", worst(after.back_ms), "ms")
    report.at_most("messages missing", tally.missing, 0)
    report.at_most("messages doubled", tally.doubled, 0)
    report.at_most("tables right after, at worst", worst(tally.right_s), RIGHT_S, "s")
    report.note("an encoder's own lateness, at worst", tally.late_ms, "ms")
