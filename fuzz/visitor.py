"""A client that holds a changed conversation: in slices, with breaks, and leaving well or badly."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from random import Random

from fuzz.mutations import Parts

ANSWER_S = 0.1  # that a client waits for an answer; most come at once
SILENT_S = 3.0  # that a client stays which has no more to say and does not close


@dataclass(slots=True)
class Visitor:
    """One conversation with a server.

    Args:
        parts: what to say.
        chance: how.
    """

    parts: Parts
    chance: Random
    bytes_sent: int = 0
    bytes_heard: int = 0
    closed_by_server: bool = False
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def visit(self, host: str, port: int) -> None:
        """Connect, say everything, and leave.

        Raises:
            TimeoutError: the server does not read on.
            ConnectionError: it cannot be reached at all.
        """
        reader, writer = await asyncio.open_connection(host, port)
        listening = asyncio.create_task(self._listen(reader))
        ending = self.chance.choice(("close", "close", "reset", "reset", "shut", "stay"))
        with contextlib.suppress(ConnectionError):
            await self._talk(writer)
            if ending == "shut":
                writer.write_eof()
            if ending in ("shut", "stay") and self.chance.random() < 0.2:
                await asyncio.wait([listening], timeout=SILENT_S)
        if ending == "reset":
            linger = struct.pack("ii", 1, 0)
            connection = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):  # it is closed already
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()
        listening.cancel()
        await asyncio.wait([listening])

    async def _talk(self, writer: asyncio.StreamWriter) -> None:
        said = b""
        for part in self.parts:
            said += part.data
            if part.wait:
                self._heard.clear()
                await self._send(writer, said)
                said = b""
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._heard.wait(), ANSWER_S)
        await self._send(writer, said)

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Send in one piece, in a few, or in bytes to begin with."""
        slices = self.chance.choice((1, 1, 1, 2, 5, 40))
        cuts = sorted(self.chance.randrange(len(data) + 1) for _ in range(slices - 1))
        if self.chance.random() < 0.05:
            cuts = [*range(1, min(len(data), 60))]
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            writer.write(data[start:end])
            self.bytes_sent += end - start
            await asyncio.wait_for(writer.drain(), SILENT_S)
            if end < len(data):
                await asyncio.sleep(self.chance.choice((0, 0, 0, 0.001)))
        if self.closed_by_server:
            raise ConnectionResetError

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 18):
                self.bytes_heard += len(data)
                self._heard.set()
        self.closed_by_server = True
        self._heard.set()
