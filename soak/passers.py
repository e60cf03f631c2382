"""People of all kinds who come and go: short publishes and plays, guesses, noise, silence.

with Passers(rtmp, http, key, seed) as passers:
    passers.begin(12)          # connections a second, from now on
    passers.end()              # nobody comes any more; those who are there finish
    passers.report()
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, cast

from bench.load.chunks import VIDEO, Message, build_message
from bench.load.client import HANDSHAKE_SIZE, VERSION, ClientError
from bench.load.worker import Commands

from .check import StreamCheck
from .child import Child
from .connection import CHUNK_SIZE, STREAM_ID, Connection, FlvConnection, Place, RtmpConnection
from .crowd import Loop
from .encoder import CONFIGS, CSIDS
from .stream import PER_GROUP, STEP_MS, build_body, kind_of

MAX_FAULTS = 100
NOISE_BYTES = 4096
KEYFRAME = Message(0, VIDEO, STREAM_ID, build_body(0, 0, 0))

AnyConnection = TypeVar("AnyConnection", bound=Connection)


class Passed(NamedTuple):
    """What the passers-by have done so far."""

    connections: int
    present: int  # visits that go on
    kinds: dict[str, int]  # visits by kind
    messages: int  # checked by viewers
    faults: list[str]


class Passing(Loop):
    """The job behind `Passers`. Args: as there."""

    def __init__(
        self,
        commands: Commands,
        rtmp: Place,
        http: Place,
        key: str,
        seed: int,
        patience_s: float,
    ) -> None:
        super().__init__(commands)
        self._rtmp = rtmp
        self._http = http
        self._key = key
        self._chance = random.Random(seed)
        self._patience_s = patience_s
        self._coming: asyncio.Task[None] | None = None
        self._connections = 0
        self._names = 0
        self._messages = 0
        self._kinds: Counter[str] = Counter()
        self._faults: list[str] = []

    def start(self, rate: float) -> None:
        """Let so many connections a second come."""
        self._coming = self.begin(self._come(rate))

    def end(self) -> None:
        """Nobody comes any more."""
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None

    def report(self) -> Passed:
        """What was done so far."""
        present = self.look() - (self._coming is not None)
        kinds = dict(self._kinds)
        return Passed(self._connections, present, kinds, self._messages, self._faults)

    async def _come(self, rate: float) -> None:
        kinds: dict[Callable[[], Coroutine[Any, Any, None]], int] = {
            self._show: 6,
            self._miss: 2,
            self._knock: 3,
            self._guess: 1,
            self._babble: 1,
            self._ask: 1,
            self._abandon: 1,
        }
        began_s, before = time.monotonic(), self._connections
        while True:
            while self._connections - before < rate * (time.monotonic() - began_s):
                (visit,) = self._chance.choices(list(kinds), list(kinds.values()))
                self._kinds[visit.__name__.strip("_")] += 1
                self.begin(self._pay(visit))
                await asyncio.sleep(0)
            await asyncio.sleep(0.02)

    async def _pay(self, visit: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Pay a visit; what the server does to it that it should not is a fault."""
        try:
            await visit()
        except (OSError, ClientError) as error:
            self._tell(f"{visit.__name__.strip('_')}: {error}")

    # The kinds of visits

    async def _show(self) -> None:
        """Publish something new for some seconds, watched by up to two; then leave somehow."""
        name = self._new_name()
        publisher = self._counted(RtmpConnection(_ignore))
        await publisher.open(self._rtmp)
        await publisher.publish(f"{name}?key={self._key}")
        checks = [StreamCheck(), StreamCheck()]
        viewers = await self._watch(name, checks)
        try:
            await self._send(publisher, self._chance.randint(PER_GROUP, 4 * PER_GROUP))
            way = self._chance.choice(("leave", "reset in mid-frame", "viewers first"))
            if way == "viewers first":
                for viewer in viewers:
                    viewer.reset()
            elif way == "reset in mid-frame":
                frame = build_message(6, KEYFRAME, CHUNK_SIZE)
                publisher.send(frame[: self._chance.randrange(1, len(frame))])
                await asyncio.sleep(0.05)
                publisher.reset()
            publisher.close()
            await asyncio.sleep(self._chance.uniform(0, 1))
        finally:
            for connection in (publisher, *viewers):
                connection.close()
        for viewer, check in zip(viewers, checks, strict=False):
            self._judge(f"viewer of {name}", viewer, check)

    def _judge(self, who: str, viewer: Connection, check: StreamCheck) -> None:
        self._messages += check.received
        faults = [*check.faults, *filter(None, (viewer.broken, viewer.refusal))]
        if not check.received:
            faults.append("got nothing")
        for fault in faults:
            self._tell(f"{who}: {fault}")

    async def _watch(self, name: str, checks: list[StreamCheck]) -> list[Connection]:
        viewers: list[Connection] = []
        if self._chance.random() < 0.6:
            player = self._counted(RtmpConnection(checks[0].see))
            await player.open(self._rtmp)
            player.play(name)
            viewers.append(player)
        if self._chance.random() < 0.6:
            flv = self._counted(FlvConnection(checks[len(viewers)].see))
            await flv.open(self._http, name)
            viewers.append(flv)
        return viewers

    async def _miss(self) -> None:
        """Ask for what nobody publishes; wait to be told, or leave before."""
        name = self._new_name()
        if self._chance.random() < 0.5:
            player = self._counted(RtmpConnection(_ignore))
            await player.open(self._rtmp)
            player.play(name)
            await self._wait(player, self._chance.choice((0.2, self._patience_s)))
            player.close()
        else:
            flv = self._counted(FlvConnection(_ignore))
            await flv.open(self._http, name)
            await self._wait(flv, self._chance.choice((0.2, self._patience_s)))
            flv.close()

    async def _knock(self) -> None:
        """Begin a handshake or a request, and say no more until the server has had enough."""
        connection = self._counted(Connection(_ignore))
        over_http = self._chance.random() < 0.3
        await connection.connect(self._http if over_http else self._rtmp)
        whole = b"GET /live/" if over_http else VERSION + bytes(HANDSHAKE_SIZE)
        connection.send(whole[: self._chance.randrange(len(whole))])
        await self._wait(connection, self._chance.choice((0.5, self._patience_s)))
        connection.reset()

    async def _guess(self) -> None:
        """Show a wrong key, from an address of its own: others are not to be shut out."""
        publisher = self._counted(RtmpConnection(_ignore))
        source = f"127.{self._chance.randrange(1, 255)}.{self._chance.randrange(255)}.1"
        try:
            await publisher.open(self._rtmp._replace(source=source))
            await publisher.publish(f"{self._new_name()}?key=wrong")
        except ClientError:
            pass
        else:
            self._tell("a wrong key was let in")
        publisher.close()

    async def _babble(self) -> None:
        """Send noise, after a handshake or at once."""
        connection: Connection
        if self._chance.random() < 0.5:
            connection = player = self._counted(RtmpConnection(_ignore))
            await player.open(self._rtmp)
        else:
            connection = self._counted(Connection(_ignore))
            await connection.connect(self._rtmp)
        connection.send(self._chance.randbytes(NOISE_BYTES))
        await self._wait(connection, 1.0)
        connection.reset()

    async def _ask(self) -> None:
        """Ask over HTTP, without the right to most of it."""
        connection = self._counted(Connection(_ignore))
        await connection.connect(self._http)
        path = self._chance.choice(("/health/live", "/nothing", "/api/v1/streams", "/live/x.flv"))
        method = self._chance.choice(("GET", "HEAD", "POST"))
        connection.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await self._wait(connection, self._chance.uniform(0.1, 1))
        connection.close()

    async def _abandon(self) -> None:
        """Become a publisher, and crash before the first picture."""
        publisher = self._counted(RtmpConnection(_ignore))
        await publisher.open(self._rtmp)
        await publisher.publish(f"{self._new_name()}?key={self._key}")
        if self._chance.random() < 0.5:
            for kind, body in CONFIGS:
                publisher.send_message(CSIDS[kind], 0, kind, body)
        await asyncio.sleep(self._chance.uniform(0, 0.5))
        publisher.reset()

    # What they share

    async def _send(self, publisher: RtmpConnection, count: int) -> None:
        """Send messages in real time, from a keyframe on."""
        for kind, body in CONFIGS:
            publisher.send_message(CSIDS[kind], 0, kind, body)
        began_s = time.monotonic()
        for number in range(count):
            await asyncio.sleep(began_s + number * STEP_MS / 1000 - time.monotonic())
            kind = kind_of(number)
            body = build_body(0, number, time.monotonic_ns())
            publisher.send_message(CSIDS[kind], number * STEP_MS, kind, body)
        if publisher.closed.is_set():
            raise ClientError("a publisher was cut off")

    async def _wait(self, connection: Connection, for_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(connection.closed.wait(), for_s)

    def _counted(self, connection: AnyConnection) -> AnyConnection:
        self._connections += 1
        return connection

    def _new_name(self) -> str:
        self._names += 1
        return f"n{self._names}"

    def _tell(self, fault: str) -> None:
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(fault)


class Passers(Child):
    """A context manager around one such process.

    Args:
        rtmp: where RTMP is spoken.
        http: where HTTP is spoken.
        key: that publishing needs.
        seed: of their chance.
        patience_s: how long they let the server's deadlines run; 12 is longer than all of them.
    """

    def __init__(
        self, rtmp: Place, http: Place, key: str, seed: int, patience_s: float = 12
    ) -> None:
        super().__init__(Passing, None, rtmp, http, key, seed, patience_s)

    def begin(self, rate: float) -> None:
        """Let so many connections a second come, from now on."""
        self._worker.ask("start", rate)

    def end(self) -> None:
        """Nobody comes any more; those who are there finish."""
        self._worker.ask("end")

    def report(self) -> Passed:
        """What they have done so far."""
        return cast(Passed, self._worker.ask("report"))


def _ignore(_: Message, __: int) -> None:
    """Media is of no interest."""
