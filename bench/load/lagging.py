"""A viewer behind a link that is too narrow: it reads on time, but no more than so many bytes.

A small receive buffer and the segment size of an Ethernet keep the kernel from hiding what the
viewer has not yet got. Its lag is the age of each message when its last byte has been read.
"""

from __future__ import annotations

import select
import socket
import time
from typing import NamedTuple

from .check import Jump
from .client import Client, Target
from .watching import Viewer
from .worker import Commands

TICK_S = 0.05
RECEIVE_BUFFER = 16 << 10  # bytes; the kernel doubles it for its own needs
SEGMENT_SIZE = 1448  # bytes, instead of the loopback's 65483


class Lagged(NamedTuple):
    """What the narrow viewer saw."""

    worst_lag_ms: list[float]  # in each second in which a message arrived, since it joined
    jumps: list[Jump]
    doubled: int
    closed_after_s: float | None  # when the server gave it up


class Lagging:
    """Commands: `join`, `lagged`."""

    def __init__(self, commands: Commands, target: Target) -> None:
        self._commands = commands
        self._target = target
        self._viewer: Viewer | None = None
        self._bytes_per_tick = 0
        self._joined_s = 0.0
        self._closed_after_s: float | None = None
        self._worst_lag_ms: dict[int, float] = {}

    def join(self, name: str, bits_per_s: int) -> None:
        """Watch `name` at that pace."""
        self._bytes_per_tick = round(bits_per_s / 8 * TICK_S)
        self._joined_s = time.monotonic()
        self._viewer = Viewer(Client(self._target, prepare=_narrow), name)

    def lagged(self) -> Lagged:
        if self._viewer is None:
            raise ValueError("nobody has joined")
        check = self._viewer.check
        lags_ms = [self._worst_lag_ms[second] for second in sorted(self._worst_lag_ms)]
        return Lagged(lags_ms, check.jumps, check.doubled, self._closed_after_s)

    def run(self) -> None:
        next_s = time.monotonic()
        while True:
            wait_s = max(0.0, next_s - time.monotonic())
            if select.select([self._commands], [], [], wait_s)[0]:
                self._commands.answer(self)
            if time.monotonic() >= next_s:
                next_s += TICK_S
                if self._viewer is not None and self._closed_after_s is None:
                    self._read(self._viewer)

    def _read(self, viewer: Viewer) -> None:
        left = self._bytes_per_tick
        after_s = time.monotonic() - self._joined_s
        while left > 0:
            already = viewer.received_bytes
            try:
                lags_ms = viewer.receive(left)
            except BlockingIOError:
                return
            except ConnectionError:
                self._closed_after_s = after_s
                return
            left -= viewer.received_bytes - already
            for lag_ms in lags_ms:
                second = int(after_s)
                self._worst_lag_ms[second] = max(lag_ms, self._worst_lag_ms.get(second, 0))


def _narrow(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_SIZE)
