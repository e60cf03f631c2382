"""What is measured, how often, for how long: the command line's choices, and rounds that alternate.

Rounds go A B C, A B C: a machine that changes its mood in the middle of a run changes it for every
server alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from .crowd import Crowd
from .machine import Cores
from .report import Promise, Row
from .running import RunningServer
from .servers import Server, choose_servers

Case = TypeVar("Case")
QUICK = 0.1  # the share of viewers and publishers that `--quick` keeps


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices; None leaves one to the benchmark."""

    cores: Cores
    servers: str | None = None
    rounds: int | None = None
    seconds: float | None = None
    viewers: int | None = None
    publishers: int | None = None
    bitrate_mbps: float | None = None
    chunk_size: int | None = None
    read_every_ms: int | None = None
    workers: int | None = None
    quick: bool = False

    def scaled(self, count: int) -> int:
        """A number of viewers or publishers, fewer if it must be quick."""
        return max(1, round(count * QUICK)) if self.quick else count

    def judged(self, promises: Sequence[Promise]) -> Sequence[Promise]:
        """The promises to judge by: none in a hurry, as they are about the whole load."""
        return () if self.quick else promises

    def measured_s(self, usual: float) -> float:
        return self.seconds or (min(usual, 3) if self.quick else usual)

    @contextmanager
    def start(
        self,
        server: Server,
        read_every_ms: int = 0,
        roaming: bool = False,
    ) -> Iterator[tuple[RunningServer, Crowd]]:
        """A fresh server on its core and a fresh load, as yet idle, on the other.

        Args:
            server: to start.
            read_every_ms: how often most of them read; 0 is at once.
            roaming: both may use every core.
        """
        cores = self.cores
        server_cores = cores.every if roaming else {cores.server}
        load_cores = cores.every if roaming else {cores.load}
        with (
            RunningServer(server, server_cores) as running,
            Crowd(running.target, load_cores, server.player, read_every_ms) as crowd,
        ):
            yield running, crowd

    def alternate(
        self,
        cases: Sequence[Case],
        measure: Callable[[Server, Case, Settings], Row],
        *,
        servers: str | Sequence[Server],
        rounds: int,
    ) -> list[Row]:
        """Measure every server under every case, round after round.

        Args:
            cases: the loads.
            measure: one of the servers under one of the loads.
            servers: those that are usual, by name, as others may be chosen; or these and no other.
            rounds: the usual number.
        """
        if isinstance(servers, str):
            servers = choose_servers(self.servers or servers)
        count = self.rounds or (1 if self.quick else rounds)
        rows = []
        for number in range(count):
            for case in cases:
                for server in servers:
                    print(f"round {number + 1}/{count}: {server.name}, {case} ...", flush=True)
                    rows.append(measure(server, case, self))
        return rows
