"""A publisher that behaves as encoders do: in real time, and back again when it is cut off.

Its clock runs on while it is away, so that it returns in the middle of a picture group; its
timestamps begin at 0 again.
"""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from bench.load.chunks import AUDIO, DATA, VIDEO, Message
from bench.load.client import ClientError
from bench.load.stream import AUDIO_CONFIG, METADATA, VIDEO_CONFIG

from .connection import Place, RtmpConnection
from .stream import STEP_MS, build_body, kind_of

RETURN_S = 1.0  # OBS waits so long at least
STEP_NS = STEP_MS * 1_000_000
CSIDS = {AUDIO: 4, VIDEO: 6, DATA: 5}
CONFIGS = ((DATA, METADATA), (AUDIO, AUDIO_CONFIG), (VIDEO, VIDEO_CONFIG))


class Session(NamedTuple):
    """One time on air."""

    number: int  # of its first message
    live_ns: int  # when it was let in
    lost_ns: int  # when it was cut off; 0: it goes on


class EncoderState(NamedTuple):
    """What is known of one encoder."""

    name: str
    port: int  # of its connection; 0: it has none
    sessions: list[Session]
    refusals: list[str]  # why it was not let in, each time
    late_ms: float  # the most that a message was sent after it was due


class Encoder:
    """Let `run()` run; it ends after `leave()`.

    Args:
        place: the server.
        name: of the stream, without its application.
        key: that publishing needs.
    """

    def __init__(self, place: Place, name: str, key: str) -> None:
        self.name = name
        self._place = place
        self._key = key
        self._connection: RtmpConnection | None = None
        self._sessions: list[Session] = []
        self._refusals: list[str] = []
        self._late_ns = 0
        self._leaving = False
        self._origin_ns = time.monotonic_ns()

    def leave(self) -> None:
        """Stop."""
        self._leaving = True
        if self._connection is not None:
            self._connection.close()

    def cut(self) -> None:
        """Lose the connection, and come back."""
        if self._connection is not None:
            self._connection.reset()

    def state(self) -> EncoderState:
        """What there is to tell."""
        on_air = self._sessions and not self._sessions[-1].lost_ns
        port = self._connection.port if self._connection is not None and on_air else 0
        late_ms = self._late_ns / 1e6
        return EncoderState(self.name, port, self._sessions[:], self._refusals[:], late_ms)

    def forget(self) -> None:
        """Forget refusals, lateness and all sessions but the newest."""
        del self._sessions[:-1]
        self._refusals.clear()
        self._late_ns = 0

    async def run(self) -> None:
        """Publish until told to leave."""
        while not self._leaving:
            try:
                await self._publish()
            except (OSError, ClientError) as error:
                self._refusals.append(str(error))
            if not self._leaving:
                await asyncio.sleep(RETURN_S)

    async def _publish(self) -> None:
        connection = self._connection = RtmpConnection(_ignore)
        try:
            await connection.open(self._place)
            await connection.publish(f"{self.name}?key={self._key}")
            await self._send_until_closed(connection)
        finally:
            connection.close()
            self._connection = None

    async def _send_until_closed(self, connection: RtmpConnection) -> None:
        for kind, body in CONFIGS:
            connection.send_message(CSIDS[kind], 0, kind, body)
        live_ns = time.monotonic_ns()
        number = session = (live_ns - self._origin_ns) // STEP_NS + 1
        self._sessions.append(Session(session, live_ns, 0))
        while not connection.closed.is_set():
            wait_ns = self._origin_ns + number * STEP_NS - time.monotonic_ns()
            if wait_ns > 0:
                await asyncio.sleep(wait_ns / 1e9)
                continue
            self._late_ns = max(self._late_ns, -wait_ns)
            kind = kind_of(number)
            body = build_body(session, number, time.monotonic_ns())
            connection.send_message(CSIDS[kind], (number - session) * STEP_MS, kind, body)
            number += 1
        self._sessions[-1] = Session(session, live_ns, time.monotonic_ns())


def _ignore(_: Message, __: int) -> None:
    """Publishers get no media."""
