"""A viewer that checks every message, and comes back as players do when it is cut off."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from bench.load.client import ClientError

from .check import NO_GAP, Gap, StreamCheck
from .connection import FlvConnection, Place, RtmpConnection

RETURN_S = 0.5


@dataclass(frozen=True, slots=True)
class Visit:
    """One connection of a viewer, as far as it has come. Times are CLOCK_MONOTONIC."""

    viewer: int
    stream: str
    protocol: str
    port: int
    asked_ns: int
    began_ns: int  # its first message; 0: none yet
    last_ns: int  # its newest message
    closed_ns: int  # 0: it goes on
    left: bool  # it was the viewer who ended it
    received: int
    missing: int
    doubled: int
    worst_delay_ms: float
    longest: Gap  # since the account began
    refusal: str = ""
    faults: list[str] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


class Viewer:
    """Let `run()` run; it ends after `leave()`.

    Args:
        number: of this viewer.
        rtmp: where RTMP is spoken.
        http: where HTTP is spoken; None: watch over RTMP.
        stream: without its application.
    """

    def __init__(self, number: int, rtmp: Place, http: Place | None, stream: str) -> None:
        self.stream = stream
        self.protocol = "rtmp" if http is None else "http-flv"
        self._number = number
        self._rtmp = rtmp
        self._http = http
        self._leaving = False
        self._connection: RtmpConnection | FlvConnection | None = None
        self._check = StreamCheck()
        self._asked_ns = 0
        self._ended: list[Visit] = []

    def leave(self) -> None:
        """Stop."""
        self._leaving = True
        if self._connection is not None:
            self._connection.close()

    def visits(self) -> list[Visit]:
        """Visits that have ended, then the one that goes on, if there is one."""
        return self._ended if self._connection is None else [*self._ended, self._visit()]

    def forget(self) -> None:
        """Forget visits that have ended, and gaps and faults of the one that goes on."""
        self._ended = []
        self._check.gaps, self._check.faults, self._check.longest = [], [], NO_GAP

    async def run(self) -> None:
        """Watch until told to leave."""
        while not self._leaving:
            await self._watch()
            if not self._leaving:
                await asyncio.sleep(RETURN_S)

    async def _watch(self) -> None:
        check = self._check = StreamCheck()
        self._asked_ns = time.monotonic_ns()
        http = self._http
        connection = RtmpConnection(check.see) if http is None else FlvConnection(check.see)
        self._connection = connection
        refusal = ""
        try:
            if isinstance(connection, FlvConnection) and http is not None:
                await connection.open(http, self.stream)
            elif isinstance(connection, RtmpConnection):
                await connection.open(self._rtmp)
                connection.play(self.stream)
            await connection.closed.wait()
        except (OSError, ClientError) as error:
            refusal = str(error)
        connection.close()
        self._ended.append(self._visit(time.monotonic_ns(), refusal))
        self._connection = None

    def _visit(self, closed_ns: int = 0, refusal: str = "") -> Visit:
        check, connection = self._check, self._connection
        assert connection is not None
        return Visit(
            viewer=self._number,
            stream=self.stream,
            protocol=self.protocol,
            port=connection.port,
            asked_ns=self._asked_ns,
            began_ns=check.began_ns,
            last_ns=check.last_ns,
            closed_ns=closed_ns,
            left=self._leaving,
            received=check.received,
            missing=check.missing,
            doubled=check.doubled,
            worst_delay_ms=check.worst_delay_ns / 1e6,
            longest=check.longest,
            refusal=refusal or connection.refusal,
            faults=[*check.faults, *filter(None, (connection.broken,))],
            gaps=check.gaps,
        )
