"""Failover: encoders killed and stopped while another one stands by; links of one encoder cut.

First two encoders publish one stream, and whichever is on air is hit: killed, or stopped and let
go on later. Then one encoder publishes over two links, of which now one, now the other is cut,
while either may lag by up to two seconds. Viewers watch over RTMP and HTTP-FLV in both workers.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from random import Random

from tests.server import wait_until

from .connection import Place
from .handover import Account, Audience
from .linked import EncoderProcess
from .report import Report
from .server import ServerTree, running_tree
from .settings import Settings
from .stream import GROUP_MS

SETTINGS = """
[apps.backed-up]
streams.on_second_publisher = "standby"
[apps.linked]
streams.on_second_publisher = "merge"
"""
STANDBY_AFTER_MS = 1_000  # as it is without being set
VIEWERS_EACH = 6  # over each protocol
CALM_S = (1.2, 3.2)  # from one blow to the next
AFTER_S = 0.4  # for the last viewer to get its first picture of the other encoder
STOPPED_S = 1.2  # for whoever was stopped to show that it does not come back on air by itself
LAGS_S = (0.0, 0.05, 0.4, 2.0)

NOTICED_MS = 100  # server, encoders and viewers share two cores
STEP_MS = 100  # of the stream's time, from one message to the next


@dataclass(slots=True)
class Tally:
    """What all blows of one kind came to."""

    count: int = 0
    gaps_ms: list[float] = field(default_factory=list)
    steps_ms: list[int] = field(default_factory=list)
    missing: int = 0
    doubled: int = 0
    disconnected: int = 0


def run(settings: Settings) -> Report:
    """Kill 10 and stop 10 encoders, then cut 50 links; in the short form 2, 2 and 6."""
    blows = settings.pick(full=10, short=2)
    cuts = settings.pick(full=25, short=3)
    what = f"{blows} encoders killed, {blows} stopped, {2 * cuts} links cut, seed {settings.seed}."
    report, chance = Report("Failover", what), settings.chance()
    with running_tree(2, SETTINGS) as tree:
        _hit_encoders(tree, blows, chance, report)
        _cut_links(tree, cuts, chance, report, own_times=False)
        _cut_links(tree, cuts, chance, report, own_times=True)
    return report


# A standby


def _hit_encoders(tree: ServerTree, blows: int, chance: Random, report: Report) -> None:
    rtmp, http = tree.rtmp._replace(app="backed-up"), tree.http._replace(app="backed-up")
    tallies = {signal.SIGKILL: Tally(), signal.SIGSTOP: Tally()}
    plan = [*tallies] * blows
    chance.shuffle(plan)
    encoders = [_standby(tree, rtmp, number) for number in range(2)]
    try:
        with Audience(rtmp, http, "show", each=VIEWERS_EACH) as audience:
            _await_screen(audience, encoders[0])
            for blow in plan:
                time.sleep(chance.uniform(*CALM_S))
                audience.forget()
                _hit(audience, encoders, blow)
                _add(tallies[blow], audience.accounts(), report)
                if blow == signal.SIGKILL:
                    encoders.append(_standby(tree, rtmp, 1))
    finally:
        for encoder in encoders:
            encoder.close()
    _fill(report, "killed", tallies[signal.SIGKILL], GROUP_MS)
    _fill(report, "stopped", tallies[signal.SIGSTOP], GROUP_MS + STANDBY_AFTER_MS)


def _standby(tree: ServerTree, place: Place, others: int) -> EncoderProcess:
    """An encoder that has been let in beside others."""
    encoder = EncoderProcess(place, "show", tree.server.key)
    wait_until(lambda: _publishers(tree, "backed-up/show") == others + 1, "another encoder")
    return encoder


def _publishers(tree: ServerTree, stream: str) -> int:
    found = tree.server.stream(stream)
    return len(found["publishers"]) if found else 0


def _hit(audience: Audience, encoders: list[EncoderProcess], blow: int) -> None:
    """Hit the encoder on air, see the other one on screen; who was stopped goes on then."""
    victim, standby = encoders
    os.kill(victim.pid, blow)
    encoders.remove(victim)
    _await_screen(audience, standby)
    time.sleep(AFTER_S)
    if blow == signal.SIGSTOP:
        os.kill(victim.pid, signal.SIGCONT)
        encoders.append(victim)
        time.sleep(STOPPED_S)
    else:
        victim.close()


def _await_screen(audience: Audience, encoder: EncoderProcess) -> None:
    wait_until(
        lambda: audience.on_screen() == {encoder.pid}, "the encoder's picture at all viewers"
    )


def _add(tally: Tally, accounts: list[Account], report: Report) -> None:
    """Count what a blow came to. Each viewer must have seen just one change of encoders."""
    tally.count += 1
    for number, account in enumerate(accounts):
        tally.disconnected += account.closed
        if len(account.handovers) != 1:
            report.tell(f"viewer {number} saw {len(account.handovers)} changes of encoders")
        for handover in account.handovers:
            tally.gaps_ms.append(handover.gap_ms)
            tally.steps_ms.append(handover.step_ms)
        _add_faults(tally, number, account, report)


def _add_faults(tally: Tally, number: int, account: Account, report: Report) -> None:
    report.faults += [f"viewer {number}: {fault}" for fault in account.faults]
    tally.missing += account.missing
    tally.doubled += account.doubled


def _fill(report: Report, what: str, tally: Tally, limit_ms: int) -> None:
    report.series[f"gaps in ms, {what}"] = tally.gaps_ms
    report.note(f"encoders {what}", tally.count)
    worst_ms = max(tally.gaps_ms, default=float("inf"))
    report.at_most(f"longest gap, {what}", worst_ms, limit_ms + NOTICED_MS, "ms")
    step_ms = max(tally.steps_ms, default=float("inf"))
    report.at_most(f"longest step of time, {what}", step_ms, STEP_MS, "ms")
    report.at_most(f"viewers disconnected, {what}", tally.disconnected, 0)
    report.at_most(f"messages missing but for the gap, {what}", tally.missing, 0)
    report.at_most(f"messages doubled, {what}", tally.doubled, 0)


# Two links


def _cut_links(
    tree: ServerTree, cuts: int, chance: Random, report: Report, *, own_times: bool
) -> None:
    """Cut links of an encoder whose connections share one clock, or begin at 0 each."""
    name = "own-times" if own_times else "one-time"
    stream = f"linked/{name}"
    rtmp, http = tree.rtmp._replace(app="linked"), tree.http._replace(app="linked")
    tally = Tally()
    gap_ms, step_ms = 0.0, 0
    with (
        EncoderProcess(rtmp, name, tree.server.key, links=2, own_times=own_times) as encoder,
        Audience(rtmp, http, name, each=VIEWERS_EACH) as audience,
    ):
        _await_screen(audience, encoder)
        for _ in range(cuts):
            lags_s = [0.0, chance.choice(LAGS_S)]
            chance.shuffle(lags_s)
            for link, lag_s in enumerate(lags_s):
                encoder.lag(link, lag_s)
            _await_links(tree, stream)
            time.sleep(chance.uniform(0, 2.5 * max(lags_s)) + chance.uniform(0, 1))
            encoder.cut(chance.randrange(2))
            time.sleep(chance.uniform(0, 1))
        _await_links(tree, stream)
        for number, account in enumerate(audience.accounts()):
            tally.disconnected += account.closed
            _add_faults(tally, number, account, report)
            gap_ms = max(gap_ms, account.longest_gap_ms)
            step_ms = max(step_ms, account.longest_step_ms)
        made, links, refusals = encoder.state()
        report.faults += [f"a link was refused: {why}" for why in refusals]
    kind = "links with times of their own" if own_times else "links with the same times"
    report.note(f"{kind}: cut", sum(link.cuts for link in links))
    report.note(f"{kind}: messages sent over either", made)
    limit_ms = max(LAGS_S) * 1000 + NOTICED_MS
    report.at_most(f"{kind}: longest gap", gap_ms, limit_ms, "ms")
    report.at_most(f"{kind}: longest step of time", step_ms, STEP_MS, "ms")
    report.at_most(f"{kind}: viewers disconnected", tally.disconnected, 0)
    report.at_most(f"{kind}: messages missing", tally.missing, 0)
    report.at_most(f"{kind}: messages doubled", tally.doubled, 0)


def _await_links(tree: ServerTree, name: str) -> None:
    """Wait until the server knows that both links bring the same."""

    def both() -> bool:
        stream = tree.server.stream(name)
        states = {publisher["state"] for publisher in stream["publishers"]} if stream else set()
        return states == {"on air", "link"}

    wait_until(both, "both links")
