"""Recorded conversations, changed and held with a whole server: `python -m fuzz.conversations`.

A server runs as operators run it; many clients at a time send it what `mutations` has made of
the captures, in slices and with breaks, and leave well or badly. Somebody else publishes and
plays another stream all the while and must not notice; in the end the server must be what it
was. `--seed` gives the same conversations again, `--first` and `--count` a part of them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from statistics import fmean

from fuzz.mutations import mutated
from fuzz.visitor import Visitor
from tests.server import RunningServer, running_server, wait_until

# Short deadlines: who falls silent goes soon. Anybody may publish: the captures' key is another.
SETTINGS = """
[net]
handshake_s = 1
connect_s = 1
request_s = 1

[streams]
grace_s = 0
wait_s = 1
"""
BYSTANDERS_STREAM = "live/bystander"
WARM_UP = 200  # conversations before anything is measured: what is made once is made then
SETTLE_S = 20.0  # for memory and descriptors to come back
LOOK_EVERY_S = 2.0  # at memory and descriptors
IDLE_S = 3.0  # that the idle server is watched

COUNTED = ("publications", "takeovers", "subscriptions")
MAX_GROWTH_MB = 64  # for those who were served at the same time, and what the heap keeps
MAX_CREEP_MB = 8  # between the middle and the end of a long run: what grows without end
LONG = 5_000  # conversations
MAX_DESCRIPTORS = 8  # of what ends at the next tick, and of sockets that linger
MAX_IDLE = 0.05  # of one core


@dataclass(slots=True)
class Seen:
    """What the bystander saw: see `bystander`."""

    messages: int = 0
    worst_gap_s: float = 0.0
    overslept_s: float = 0.0
    failure: str = ""


@dataclass(slots=True)
class Report:
    """What was done, and what became of the server."""

    seed: str
    conversations: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0
    answered: int = 0
    closed_by_server: int = 0
    done: dict[str, int] = field(default_factory=dict)
    """How often each mutation."""
    counted: dict[str, int] = field(default_factory=dict)
    """By the server."""
    bystander: Seen = field(default_factory=Seen)
    memory_mb: list[float] = field(default_factory=list)
    """Before, at most, and after."""
    descriptors: list[int] = field(default_factory=list)
    """Likewise."""
    curve: list[tuple[int, float]] = field(default_factory=list)
    """Conversations so far, and memory in MB."""
    idle: float = 0.0
    """Of one core, afterwards."""
    findings: list[str] = field(default_factory=list)


class Attack:
    """Many conversations with one server.

    Args:
        server: the victim.
        report: to be added to.
        connections: at the same time.
    """

    def __init__(self, server: RunningServer, report: Report, connections: int) -> None:
        self._server = server
        self._report = report
        self._connections = connections
        self._peak_memory = self._peak_descriptors = 0

    def run(self, numbers: range) -> None:
        """Hold the conversations of these numbers."""
        asyncio.run(self._run(iter(numbers)))

    async def _run(self, numbers: Iterator[int]) -> None:
        async def worker() -> None:
            for number in numbers:
                await self._hold(number)

        watching = asyncio.create_task(self._watch())
        await asyncio.gather(*(worker() for _ in range(self._connections)))
        watching.cancel()

    async def _hold(self, number: int) -> None:
        report = self._report
        chance = Random(f"{report.seed}/{number}")
        done, parts = mutated(chance)
        visitor = Visitor(parts, chance)
        try:
            await visitor.visit(self._server.host, self._server.rtmp_port)
        except TimeoutError:
            report.findings.append(f"conversation {number}: the server does not read")
        except ConnectionError as error:
            report.findings.append(f"conversation {number}: {error}")
        report.conversations += 1
        report.megabytes += visitor.bytes_sent / 1e6
        report.answered += visitor.bytes_heard > 0
        report.closed_by_server += visitor.closed_by_server
        for name in done[1:] or ["unchanged"]:
            report.done[name] = report.done.get(name, 0) + 1

    async def _watch(self) -> None:
        """Note what the server holds at most."""
        while True:
            with contextlib.suppress(OSError):  # a process has just gone, which shows later
                memory, descriptors = self._server.memory_bytes(), self._server.descriptors()
                self._peak_memory = max(self._peak_memory, memory)
                self._peak_descriptors = max(self._peak_descriptors, descriptors)
                self._report.curve.append((self._report.conversations, round(memory / 1e6, 1)))
            await asyncio.sleep(LOOK_EVERY_S)

    @property
    def peak(self) -> tuple[int, int]:
        """Bytes of memory, and descriptors."""
        return self._peak_memory, self._peak_descriptors


def attack(server: RunningServer, report: Report, numbers: range, connections: int) -> None:
    """Hold the conversations; note what the bystander and the operator see."""
    pids = server.pids()
    Attack(server, Report("warm-up"), connections).run(range(WARM_UP))
    settle(server)
    memory, descriptors = server.memory_bytes(), server.descriptors()
    counted = server.api("server")
    attacking = Attack(server, report, connections)
    with bystander(server, report):
        began = time.monotonic()
        attacking.run(numbers)
        report.seconds = time.monotonic() - began
    settle(server, descriptors + MAX_DESCRIPTORS)
    for name, count in server.api("server").items():
        if name in COUNTED:
            report.counted[name] = count - counted[name]
    began, cpu_s = time.monotonic(), server.cpu_s()
    time.sleep(IDLE_S)
    report.idle = (server.cpu_s() - cpu_s) / (time.monotonic() - began)
    peak_memory, peak_descriptors = attacking.peak
    report.memory_mb = [size / 1e6 for size in (memory, peak_memory, server.memory_bytes())]
    report.descriptors = [descriptors, peak_descriptors, server.descriptors()]
    if server.pids() != pids:
        report.findings.append(f"processes {server.pids()} instead of {pids}")


@contextmanager
def bystander(server: RunningServer, report: Report) -> Iterator[None]:
    """Have somebody use the server in this block; report what it saw."""
    url = server.play_url(BYSTANDERS_STREAM)
    process = subprocess.Popen(
        [sys.executable, "-m", "fuzz.bystander", url, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        process.stdout.readline()  # it has seen its first pictures
        yield
        told, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    report.bystander = Seen(**json.loads(told))


def settle(server: RunningServer, descriptors: int = 0) -> None:
    """Wait until what has ended is gone."""
    if descriptors:
        with contextlib.suppress(AssertionError):
            wait_until(lambda: server.descriptors() <= descriptors, "descriptors", SETTLE_S)
    time.sleep(3)


def judge(report: Report, max_gap_s: float) -> None:
    """Add what must not be to the findings."""
    saw, growth = report.bystander, report.memory_mb[2] - report.memory_mb[0]
    left = report.descriptors[2] - report.descriptors[0]
    rules = {
        f"the bystander: {saw.failure}": saw.failure != "",
        f"the bystander waited for {saw.worst_gap_s:.2f} s": saw.worst_gap_s > max_gap_s,
        f"{growth:.1f} MB more than before": growth > MAX_GROWTH_MB,
        f"{creep(report):.1f} MB more than half way": creep(report) > MAX_CREEP_MB,
        f"{left} descriptors more than before": left > MAX_DESCRIPTORS,
        f"{report.idle:.0%} of a core in use when idle": report.idle > MAX_IDLE,
    }
    report.findings += [finding for finding, broken in rules.items() if broken]


def creep(report: Report) -> float:
    """MB by which memory grew in the second half of a long run."""
    if report.conversations < LONG:
        return 0.0
    tenth = len(report.curve) // 10
    middle, end = (
        fmean(memory for _, memory in report.curve[start : start + tenth])
        for start in (5 * tenth, len(report.curve) - tenth)
    )
    return end - middle


def run(seed: str, numbers: range, *, connections: int = 32, max_gap_s: float = 0.5) -> Report:
    """Start a server, hold conversations with it, and judge it."""
    report = Report(seed)
    with tempfile.TemporaryDirectory() as folder:
        try:
            with running_server(
                Path(folder), "--allow-anonymous-publish", settings=SETTINGS
            ) as server:
                attack(server, report, numbers, connections)
                judge(report, max_gap_s)
        except AssertionError as error:  # it has ended, or its log tells of a bug
            report.findings.append(str(error)[-4000:])
    return report


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.conversations", description=__doc__)
    add = parser.add_argument
    add("--count", type=int, default=20_000)
    add("--seed", default="", help="default: by chance")
    add("--first", type=int, default=0, help="number of the first conversation")
    add("--connections", type=int, default=32, help="at the same time")
    add("--max-gap", type=float, default=0.5, help="seconds that the bystander may wait")
    add("--out", default=".fuzz/conversations.json", help="file for the figures")
    arguments = parser.parse_args()
    seed = arguments.seed or secrets.token_hex(4)
    print(f"seed {seed}", flush=True)
    numbers = range(arguments.first, arguments.first + arguments.count)
    report = run(seed, numbers, connections=arguments.connections, max_gap_s=arguments.max_gap)
    told = json.dumps(asdict(report), indent=1)
    path = Path(arguments.out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(told + "\n")
    print(told)
    sys.exit(bool(report.findings))


if __name__ == "__main__":
    main()
