"""The crowd: viewers that take every byte and look at none, whatever they speak.

`recv` with MSG_TRUNC lets the kernel throw the bytes away without copying them (tcp(7)); what is
left is one system call for each arrival, made as soon as epoll tells of it, as a player's own
loop would; or, with `read_every_ms`, one for all that arrived in that time. Bytes are counted per
viewer, so that one that gets too little is noticed.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from functools import partial

from .client import TIMEOUT_S, Player, Target, connect_many
from .worker import Commands

DISCARD_LIMIT = 1 << 20  # bytes thrown away by one call
EVENTS_AT_ONCE = 256


class Discarding:
    """Commands: `join`, then `received_bytes` whenever wanted."""

    def __init__(
        self,
        commands: Commands,
        target: Target,
        player: Callable[[Target], Player],
        read_every_ms: int,
    ) -> None:
        self._commands = commands
        self._player = partial(player, target)
        self._read_every_s = read_every_ms / 1000
        # In a burst, few events at once keep the bytes of many from waiting for those of few.
        self._events_at_once = -1 if read_every_ms else EVENTS_AT_ONCE
        self._epoll = select.epoll()
        self._epoll.register(commands, select.EPOLLIN)
        self._players: list[Player] = []
        self._streams: dict[str, list[int]] = {}
        self._receive: dict[int, Callable[..., int]] = {}
        self._received: dict[int, int] = {}
        self._buffer = bytearray(DISCARD_LIMIT)  # never written to; only its length counts

    def join(self, name: str, count: int) -> None:
        """Add `count` viewers of the stream `name`; all are being served when it returns."""
        players = connect_many(self._player, count)
        for player in players:
            player.play(name)
        for player in players:
            select.select([player.socket], [], [], TIMEOUT_S)
            player.socket.setblocking(False)
            descriptor = player.socket.fileno()
            self._players.append(player)
            self._streams.setdefault(name, []).append(descriptor)
            # Of a TLS socket this takes the records as they come: nobody has to decrypt them.
            self._receive[descriptor] = partial(socket.socket.recv_into, player.socket)
            self._received[descriptor] = 0
            self._epoll.register(descriptor, select.EPOLLIN)

    def received_bytes(self) -> dict[str, list[int]]:
        """Bytes that each viewer of each stream got since it joined."""
        received = self._received
        return {
            name: [received[descriptor] for descriptor in descriptors]
            for name, descriptors in self._streams.items()
        }

    def run(self) -> None:
        while True:
            if self._read_every_s:
                time.sleep(self._read_every_s)
            events = self._epoll.poll(-1, self._events_at_once)
            self._discard(events)
            if any(descriptor == self._commands.fileno() for descriptor, _ in events):
                self._commands.answer(self)

    def _discard(self, events: list[tuple[int, int]]) -> None:
        receive, received, buffer = self._receive, self._received, self._buffer
        for descriptor, _ in events:
            if descriptor in receive:
                count = receive[descriptor](buffer, 0, socket.MSG_TRUNC)
                if not count:
                    raise ConnectionError("the server closed the connection of a viewer")
                received[descriptor] += count
