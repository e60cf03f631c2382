"""One worker's part in a server of several: everything that passes between it and the others."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from slipstream.access import Failures
from slipstream.hub import Hub
from slipstream.log import Log
from slipstream.net.pace import Pace
from slipstream.workers.configuring import Configuring
from slipstream.workers.directory import WorkerDirectory
from slipstream.workers.feed import Feeds
from slipstream.workers.inheritance import Succession
from slipstream.workers.inquiries import LinePeers
from slipstream.workers.line import Line
from slipstream.workers.loads import Loads
from slipstream.workers.messages import (
    Census,
    Drain,
    Hello,
    Moved,
    Ready,
    Replacing,
    Stop,
    WrongKey,
)
from slipstream.workers.mover import LineMover, unpack_reads
from slipstream.workers.packets import Packet
from slipstream.workers.seats import NAMELESS

Receive = Callable[[socket.socket, str, str, Sequence[bytes], bytes], None]


@dataclass(frozen=True, slots=True)
class Badge:
    """Which worker this is."""

    number: int
    """From 1, never used twice by one server."""
    slot: int
    """Which of the server's places it fills, from 0."""
    generation: int
    pid: int


class Membership:
    """Made before the hub; `attach()`, then `start()`, and `ready()` when connections are accepted.

    Args:
        badge: which worker this is.
        succession: where the supervisor is found.
        loop: of the worker.
        count: how many connections it has.
        pace: of its pump.
    """

    def __init__(
        self,
        badge: Badge,
        succession: Succession,
        loop: asyncio.AbstractEventLoop,
        count: Callable[[], int],
        pace: Pace,
    ) -> None:
        self.badge = badge
        self.on_stop: Callable[[], None] = _nothing
        self.on_drain: Callable[[], None] = _nothing
        self._loop = loop
        self._succession = succession
        self._ready = False
        self.line = Line(succession, loop, self._hello)
        self.feeds = Feeds(loop, pace)
        self.directory = WorkerDirectory(badge.number, self.line, self.feeds, loop)
        self.loads = Loads(badge.number, self.line, count)
        self.mover = LineMover(self.line, self.directory, self.loads, self._count_viewers)
        self.peers = LinePeers(self.line, loop)
        self.configuring = Configuring(self.line, loop, self._keep_config)
        self.line.on(Census, self._on_census)
        self.line.on(Replacing, self._on_replacing)
        self.line.on(Stop, lambda _, __: self.on_stop())
        self.line.on(Drain, lambda _, __: self.on_drain())

    def attach(self, hub: Hub, failures: Failures, receive: Receive) -> None:
        """Join what happens here with what happens elsewhere.

        Args:
            hub: of this worker.
            failures: wrong keys that were shown here, and elsewhere.
            receive: takes a connection from another worker: its socket, the peer's address,
                what it is called, what has been read from it, and its permit.
        """
        self._hub = hub
        self.directory.attach(hub)
        failures.on_noted = lambda address: self.line.send(WrongKey(address))

        def note(message: WrongKey, _: Packet) -> None:
            failures.note_elsewhere(message.address, self._loop.time())

        def take(message: Moved, packet: Packet) -> None:
            permit, *said = unpack_reads(packet.body)
            sock = socket.socket(fileno=packet.fd)
            receive(sock, message.address, message.connection_id, said, permit)

        self.line.on(WrongKey, note)
        self.line.on(Moved, take)

    def wake(self, log: Log, picture: bool) -> None:
        """A log has grown: tell those who follow it."""
        self.feeds.wake(log, picture)

    def start(self) -> None:
        """Find the supervisor."""
        self.line.start()

    def ready(self) -> None:
        """Connections are accepted."""
        self._ready = True
        self.line.send(Ready())

    def stop(self) -> None:
        """Take leave."""
        self.feeds.stop()
        self.line.stop()

    def _hello(self) -> Hello:
        directory = self.directory
        return Hello(
            number=self.badge.number,
            slot=self.badge.slot,
            generation=self.badge.generation,
            pid=self.badge.pid,
            ready=self._ready,
            homes=directory.own_homes(),
            held=list(directory.held),
            seats={name: seats[NAMELESS] for name, seats in directory.seats.items()},
            players={name: _players(seats) for name, seats in directory.seats.items()},
            limits=directory.own_limits(),
            forms=directory.held_forms(),
        )

    def _count_viewers(self, name: str) -> int:
        stream = self._hub.streams.get(name)
        return 0 if stream is None else len(stream.audience.subscriptions)

    def _keep_config(self, config: str) -> None:
        self._succession.config = config

    def _on_census(self, census: Census, _: Packet) -> None:
        self._succession.census = census.workers
        self.loads.take_census(census)

    def _on_replacing(self, _: Replacing, __: Packet) -> None:
        self._succession.announce()
        self.line.finish()


def _players(seats: Mapping[str, int]) -> dict[str, int]:
    return {player: count for player, count in seats.items() if player != NAMELESS}


def _nothing() -> None:
    """Until somebody wants to know."""
