"""A rush: very many viewers of one stream who come within seconds, and leave at once.

They look at what they get until their first picture is there, then let it pass; every 50th
checks everything. The process makes way for others, as viewers elsewhere would.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import NamedTuple, cast

from bench.load.chunks import Message
from bench.load.client import ClientError
from bench.load.worker import Commands

from .check import StreamCheck
from .child import Child
from .connection import Place, RtmpConnection
from .crowd import Loop
from .stream import read_stamp

NICE = 5
CHECKING = 50  # every so many-th checks everything


class Rushed(NamedTuple):
    """What the viewers of a rush met."""

    ports: list[int]  # of those who are there
    joined_s: float  # from the first one's coming to the last one's first picture
    first_ms: list[float]  # from a viewer's coming to its first picture
    lost: list[str]  # why viewers were refused or disconnected
    faults: list[str]  # of those who check everything


class _Guest:
    """One viewer."""

    def __init__(self, checking: bool) -> None:
        self.check = StreamCheck() if checking else None
        self.came_ns = time.monotonic_ns()
        self.seen_ns = 0
        self.connection = RtmpConnection(self._see)

    async def watch(self, place: Place, stream: str) -> str:
        """Watch until it ends; return why it did."""
        try:
            await self.connection.open(place)
            self.connection.play(stream)
            await self.connection.closed.wait()
        except (OSError, ClientError) as error:
            return str(error)
        return self.connection.broken or self.connection.refusal or "closed by the server"

    def _see(self, message: Message, arrived_ns: int) -> None:
        if self.check is not None:
            self.check.see(message, arrived_ns)
        if not self.seen_ns and read_stamp(message) is not None:
            self.seen_ns = arrived_ns
            if self.check is None:
                self.connection.discard()


class Rushing(Loop):
    """The job behind `Rush`. Args: as there."""

    def __init__(self, commands: Commands, place: Place, stream: str) -> None:
        super().__init__(commands)
        os.nice(NICE)
        self._place = place
        self._stream = stream
        self._guests: list[_Guest] = []
        self._lost: list[str] = []

    def come(self, count: int, within_s: float) -> None:
        """Let so many come, evenly over that time."""
        self._guests, self._lost = [], []
        self.begin(self._come(count, within_s))

    def leave(self) -> None:
        """All leave at once."""
        for guest in self._guests:
            guest.connection.close()

    def met(self) -> Rushed:
        """What they met so far."""
        self.look()
        served = [guest for guest in self._guests if guest.seen_ns]
        joined_ns = max((g.seen_ns - self._guests[0].came_ns for g in served), default=0)
        return Rushed(
            ports=[g.connection.port for g in served if not g.connection.closed.is_set()],
            joined_s=joined_ns / 1e9,
            first_ms=[(guest.seen_ns - guest.came_ns) / 1e6 for guest in served],
            lost=self._lost,
            faults=[fault for g in served if g.check is not None for fault in g.check.faults],
        )

    async def _come(self, count: int, within_s: float) -> None:
        began_s = time.monotonic()
        for number in range(count):
            await asyncio.sleep(began_s + within_s * number / count - time.monotonic())
            self._guests.append(guest := _Guest(checking=number % CHECKING == 0))
            self.begin(self._watch(guest))

    async def _watch(self, guest: _Guest) -> None:
        why = await guest.watch(self._place, self._stream)
        if not guest.connection.left:
            self._lost.append(why)


class Rush(Child):
    """A context manager around one such process.

    Args:
        place: where RTMP is spoken.
        stream: that all want to see.
    """

    def __init__(self, place: Place, stream: str) -> None:
        super().__init__(Rushing, None, place, stream)

    def come(self, count: int, within_s: float) -> None:
        """Let so many viewers come, evenly over that time; returns at once."""
        self._worker.ask("come", count, within_s)

    def leave(self) -> None:
        """All leave at once."""
        self._worker.ask("leave")

    def met(self) -> Rushed:
        """What they met so far."""
        return cast(Rushed, self._worker.ask("met"))
