"""People who arrive all the time, each wanting one thing for a moment, and all get it.

with Arrivals(rtmp, http, key, seed, ["a", "b"]) as arrivals:
    arrivals.begin(50)         # a second
    arrivals.end()
    arrivals.report()          # whoever was refused, cut off or left waiting is a failure
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import NamedTuple, cast

from bench.load.chunks import Message
from bench.load.client import ClientError
from bench.load.worker import Commands

from .check import StreamCheck
from .child import Child
from .connection import Connection, FlvConnection, Place, RtmpConnection
from .crowd import Loop
from .encoder import CONFIGS, CSIDS
from .stream import build_body, kind_of

WAIT_S = 10.0  # for what one came for
MESSAGES = 5  # that a short publisher sends
REQUEST = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Arrived(NamedTuple):
    """What became of those who arrived."""

    total: int
    present: int
    failures: list[str]
    worst_ms: dict[str, float]  # until somebody got what they came for, by what that was


class Arriving(Loop):
    """The job behind `Arrivals`. Args: as there."""

    def __init__(
        self,
        commands: Commands,
        rtmp: Place,
        http: Place,
        key: str,
        seed: int,
        streams: Sequence[str],
    ) -> None:
        super().__init__(commands)
        self._rtmp = rtmp
        self._http = http
        self._key = key
        self._streams = streams
        self._chance = random.Random(seed)
        self._coming: asyncio.Task[None] | None = None
        self._count = 0
        self._failures: list[str] = []
        self._worst_ms: dict[str, float] = {}

    def start(self, rate: float) -> None:
        """Let so many arrive each second."""
        self._coming = self.begin(self._come(rate))

    def end(self) -> None:
        """Nobody arrives any more."""
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None

    def report(self) -> Arrived:
        """What became of them so far."""
        present = self.look() - (self._coming is not None)
        return Arrived(self._count, present, self._failures, self._worst_ms)

    async def _come(self, rate: float) -> None:
        began_s = time.monotonic()
        for number in range(1 << 30):
            await asyncio.sleep(began_s + number / rate - time.monotonic())
            self._count += 1
            self.begin(self._arrive(f"new{self._count}"))

    async def _arrive(self, name: str) -> None:
        wish = self._chance.choice((self._play, self._play_flv, self._publish, self._ask))
        what = wish.__name__.strip("_").replace("_", " ")
        began_ns = time.monotonic_ns()
        try:
            await asyncio.wait_for(wish(name), WAIT_S)
        except (OSError, ClientError, TimeoutError) as error:
            clock = time.strftime("%H:%M:%S", time.gmtime())
            self._failures.append(f"{clock} {what}: {error!r}")
        else:
            took_ms = (time.monotonic_ns() - began_ns) / 1e6
            self._worst_ms[what] = max(self._worst_ms.get(what, 0.0), took_ms)

    async def _play(self, _: str) -> None:
        """Watch a stream over RTMP until the first picture is there."""
        check = StreamCheck()
        connection = RtmpConnection(check.see)
        try:
            await connection.open(self._rtmp)
            connection.play(self._chance.choice(self._streams))
            await _first_picture(connection, check)
        finally:
            connection.close()

    async def _play_flv(self, _: str) -> None:
        """The same over HTTP-FLV."""
        check = StreamCheck()
        connection = FlvConnection(check.see)
        try:
            await connection.open(self._http, self._chance.choice(self._streams))
            await _first_picture(connection, check)
        finally:
            connection.close()

    async def _publish(self, name: str) -> None:
        """Publish something new for a moment."""
        connection = RtmpConnection(_ignore)
        try:
            await connection.open(self._rtmp)
            await connection.publish(f"{name}?key={self._key}")
            for kind, body in CONFIGS:
                connection.send_message(CSIDS[kind], 0, kind, body)
            for number in range(MESSAGES):
                kind = kind_of(number)
                body = build_body(0, number, time.monotonic_ns())
                connection.send_message(CSIDS[kind], number * 20, kind, body)
                await asyncio.sleep(0.02)
            if connection.closed.is_set():
                raise ClientError(f"{name} was cut off: {connection.refusal or 'not a word'}")
        finally:
            connection.close()

    async def _ask(self, _: str) -> None:
        """Ask whether the server lives."""
        connection = _Asking()
        await connection.connect(self._http)
        connection.send(REQUEST)
        await connection.closed.wait()
        if not connection.answer.startswith(b"HTTP/1.1 200 "):
            raise ClientError(f"answered {connection.answer[:60]!r}")


class _Asking(Connection):
    """One request over HTTP."""

    def __init__(self) -> None:
        super().__init__(_ignore)
        self.answer = b""

    def _receive(self, data: bytes, _: int) -> None:
        self.answer += data


class Arrivals(Child):
    """A context manager around one such process.

    Args:
        rtmp: where RTMP is spoken.
        http: where HTTP is spoken.
        key: that publishing needs.
        seed: of their chance.
        streams: that are on air.
    """

    def __init__(
        self, rtmp: Place, http: Place, key: str, seed: int, streams: Sequence[str]
    ) -> None:
        super().__init__(Arriving, None, rtmp, http, key, seed, streams)

    def begin(self, rate: float) -> None:
        """Let so many arrive each second, from now on."""
        self._worker.ask("start", rate)

    def end(self) -> None:
        """Nobody arrives any more; those who are there finish."""
        self._worker.ask("end")

    def report(self) -> Arrived:
        """What became of them so far."""
        return cast(Arrived, self._worker.ask("report"))


async def _first_picture(connection: RtmpConnection | FlvConnection, check: StreamCheck) -> None:
    """Wait for the first picture.

    Raises:
        ClientError: the connection ended, or what came was not right.
    """
    while not check.received:
        if connection.closed.is_set():
            why = connection.broken or connection.refusal or "closed by the server"
            raise ClientError(f"no picture: {why}")
        await asyncio.sleep(0.01)
    if check.faults:
        raise ClientError(check.faults[0])


def _ignore(_: Message, __: int) -> None:
    """Media is of no interest."""
