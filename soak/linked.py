"""An encoder that sends the same over one link or several, each with a lag of its own.

In a process of its own, so that it can be killed and stopped:

    with EncoderProcess(place, name, key, links=2) as encoder:
        encoder.lag(1, 0.5)      # what goes over link 1 gets half a second late
        encoder.cut(0)           # link 0 breaks off, and comes back after a while
        encoder.pid

Its messages are those of `stream`; their session is its process. Its clock runs on over all
links, which come back in the middle of a picture group.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from types import TracebackType
from typing import NamedTuple, Self, cast

from bench.load.client import ClientError
from bench.load.worker import Commands, Worker

from .connection import Place, RtmpConnection
from .crowd import Loop
from .encoder import CONFIGS, CSIDS, STEP_NS
from .stream import STEP_MS, build_body, kind_of

RETURN_S = 0.5
LAG_STEP_S = STEP_MS / 2000  # per message: a link slows down to half its speed, and never stalls


class LinkState(NamedTuple):
    """One link."""

    open: bool
    cuts: int
    lag_s: float


class _Link:
    """One connection, and what is on its way over it."""

    def __init__(self) -> None:
        self.connection: RtmpConnection | None = None
        self.accepted = False
        self.lag_s = 0.0
        self.wanted_lag_s = 0.0
        self.cuts = 0
        self.queue: deque[tuple[float, int, bytes]] = deque()  # when to send, number, body


class Encoding(Loop):
    """The process's job. Commands: those of `EncoderProcess`.

    Args:
        place: the server.
        name: of the stream, without its application.
        key: that publishing needs.
        links: how many.
        own_times: each connection begins at time 0.
    """

    def __init__(
        self, commands: Commands, place: Place, name: str, key: str, links: int, own_times: bool
    ) -> None:
        super().__init__(commands)
        self._place = place
        self._target = f"{name}?key={key}"
        self._own_times = own_times
        self._links = [_Link() for _ in range(links)]
        self._number = 0  # of the next message
        self._refusals: list[str] = []
        for link in self._links:
            self.begin(self._keep_open(link))
        self.begin(self._encode())

    def pid(self) -> int:
        """Of this process."""
        return os.getpid()

    def cut(self, number: int) -> None:
        """Break a link off; what is on its way is lost."""
        link = self._links[number]
        if link.connection is not None:
            link.cuts += 1
            link.connection.reset()

    def lag(self, number: int, seconds: float) -> None:
        """Have a link get as late as that, and stay so."""
        self._links[number].wanted_lag_s = seconds

    def state(self) -> tuple[int, list[LinkState], list[str]]:
        """The next message's number, the links, and why they were refused, if they were."""
        self.look()
        links = [LinkState(link.accepted, link.cuts, link.lag_s) for link in self._links]
        return self._number, links, self._refusals[:]

    async def _encode(self) -> None:
        """Make each message when it is due, and give it to the links that are open."""
        origin_ns = time.monotonic_ns()
        while True:
            wait_ns = origin_ns + self._number * STEP_NS - time.monotonic_ns()
            if wait_ns > 0:
                await asyncio.sleep(wait_ns / 1e9)
                continue
            body = build_body(os.getpid(), self._number, time.monotonic_ns())
            for link in self._links:
                change_s = link.wanted_lag_s - link.lag_s
                link.lag_s += min(max(change_s, -LAG_STEP_S), LAG_STEP_S)
                if link.accepted:
                    link.queue.append((time.monotonic() + link.lag_s, self._number, body))
            self._number += 1

    async def _keep_open(self, link: _Link) -> None:
        while True:
            connection = link.connection = RtmpConnection(lambda _, __: None)
            try:
                await connection.open(self._place)
                await connection.publish(self._target)
                await self._send_until_closed(link, connection)
            except (OSError, ClientError) as error:
                self._refusals.append(str(error))
            link.accepted = False
            link.queue.clear()
            connection.close()
            await asyncio.sleep(RETURN_S)

    async def _send_until_closed(self, link: _Link, connection: RtmpConnection) -> None:
        for kind, body in CONFIGS:
            connection.send_message(CSIDS[kind], 0, kind, body)
        first = self._number if self._own_times else 0
        link.accepted = True
        while not connection.closed.is_set():
            while link.queue and link.queue[0][0] <= time.monotonic():
                _, number, body = link.queue.popleft()
                kind = kind_of(number)
                connection.send_message(CSIDS[kind], (number - first) * STEP_MS, kind, body)
            await asyncio.sleep(STEP_MS / 4000)


class EncoderProcess:
    """A context manager around one such process. Args: as of `Encoding`."""

    def __init__(
        self, place: Place, name: str, key: str, *, links: int = 1, own_times: bool = False
    ) -> None:
        self._worker = Worker(Encoding, None, place, name, key, links, own_times)
        self.pid = cast(int, self._worker.ask("pid"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it; it may be dead already."""
        self._worker.close()

    def cut(self, number: int) -> None:
        """Break a link off; what is on its way is lost. It comes back after a while."""
        self._worker.ask("cut", number)

    def lag(self, number: int, seconds: float) -> None:
        """Have a link get as late as that, and stay so."""
        self._worker.ask("lag", number, seconds)

    def state(self) -> tuple[int, list[LinkState], list[str]]:
        """The next message's number, the links, and why they were refused, if they were."""
        return cast("tuple[int, list[LinkState], list[str]]", self._worker.ask("state"))
