"""The few viewers that look at everything: order, delay, and how long a picture takes to come.

Each message's delay is the moment at which its last byte was read, less the moment in its stamp.
The time to the first picture runs from just before `play` is sent until a keyframe is whole.
"""

from __future__ import annotations

import select
import ssl
import time
from array import array
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from .check import SequenceCheck
from .chunks import AUDIO, COMMAND
from .client import READ_SIZE, Player, Target, connect_many, raise_if_refused
from .stream import is_keyframe, parse_stamp
from .worker import Commands


class Watched(NamedTuple):
    """What the watching viewers saw."""

    delays_ms: list[float]  # of every message since the last `forget_delays`
    first_keyframe_ms: list[float]  # one for each viewer that has seen one
    received: int  # messages, from each viewer's first keyframe on
    missing: int
    skipped: int  # of these, in leaps to a keyframe: what a viewer that lags is spared
    doubled: int
    jumps_elsewhere: int  # leaps that did not land on a keyframe


class Viewer:
    """One connection that is parsed; call `receive()` when its socket can be read."""

    def __init__(self, client: Player, name: str) -> None:
        self.client = client
        self.name = name
        self.check = SequenceCheck()
        self.received_bytes = 0
        self.first_keyframe_ms: float | None = None
        self._play_ns = time.monotonic_ns()
        client.play(name)
        client.socket.setblocking(False)

    def receive(self, limit: int = READ_SIZE) -> list[float]:
        """Read at most `limit` bytes; returns the delay in ms of each message they complete."""
        try:
            data = self.client.socket.recv(limit)
        except ssl.SSLWantReadError:
            return []  # a part of a record
        now_ns = time.monotonic_ns()
        if not data:
            raise ConnectionError("the server closed the connection of a viewer")
        self.received_bytes += len(data)
        delays_ms = []
        for message in self.client.reader.receive_data(data):
            if message.type_id == COMMAND:
                raise_if_refused(message)
            stamp = parse_stamp(message)
            if stamp is None:
                continue
            keyframe = is_keyframe(message)
            if keyframe and self.first_keyframe_ms is None:
                self.first_keyframe_ms = (now_ns - self._play_ns) / 1e6
            self.check.see(stamp.number, keyframe, message.type_id == AUDIO)
            delays_ms.append((now_ns - stamp.sent_ns) / 1e6)
        return delays_ms


class Watching:
    """Commands: `join`, `leave`, `forget_delays`, `received_bytes`, `watched`."""

    def __init__(
        self, commands: Commands, target: Target, player: Callable[[Target], Player]
    ) -> None:
        self._commands = commands
        self._player = partial(player, target)
        self._epoll = select.epoll()
        self._epoll.register(commands, select.EPOLLIN)
        self._viewers: dict[int, Viewer] = {}
        self._delays_ms = array("d")

    def join(self, name: str, count: int) -> None:
        """Add `count` viewers of the stream `name`."""
        for client in connect_many(self._player, count):
            viewer = Viewer(client, name)
            descriptor = viewer.client.socket.fileno()
            self._viewers[descriptor] = viewer
            self._epoll.register(descriptor, select.EPOLLIN)

    def leave(self) -> None:
        """All viewers go; what they saw is forgotten."""
        for viewer in self._viewers.values():
            viewer.client.close()
        self._viewers.clear()

    def forget_delays(self) -> None:
        del self._delays_ms[:]

    def received_bytes(self) -> dict[str, list[int]]:
        """Bytes that each viewer of each stream got since it joined."""
        received: dict[str, list[int]] = {}
        for viewer in self._viewers.values():
            received.setdefault(viewer.name, []).append(viewer.received_bytes)
        return received

    def watched(self) -> Watched:
        viewers = list(self._viewers.values())
        checks = [viewer.check for viewer in viewers]
        firsts = [viewer.first_keyframe_ms for viewer in viewers]
        return Watched(
            delays_ms=self._delays_ms.tolist(),
            first_keyframe_ms=[first for first in firsts if first is not None],
            received=sum(check.received for check in checks),
            missing=sum(check.missing for check in checks),
            skipped=sum(check.skipped for check in checks),
            doubled=sum(check.doubled for check in checks),
            jumps_elsewhere=sum(not j.to_keyframe for check in checks for j in check.jumps),
        )

    def run(self) -> None:
        while True:
            for descriptor, _ in self._epoll.poll():
                viewer = self._viewers.get(descriptor)
                if viewer is not None:
                    self._delays_ms.extend(viewer.receive())
                elif descriptor == self._commands.fileno():
                    self._commands.answer(self)
