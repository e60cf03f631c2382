"""Connections that move to the home of the stream that they want to publish."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from slipstream.net.link import Link
from slipstream.workers.line import Line
from slipstream.workers.messages import Move

_LENGTH = Struct(">I")


class LineMover:
    """The sessions' `Mover`: by way of the supervisor, which has a line to every worker."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def move(
        self, link: Link, home: int, stream: str, said: Sequence[bytes], permit: bytes = b""
    ) -> None:
        """Hand a connection over: its descriptor, what has been read from it, and its permit."""
        message = Move(home, stream, link.address)
        self._line.send(message, body=pack_reads([permit, *said]), fd=link.fd)
        link.abort()


def pack_reads(reads: Sequence[bytes]) -> bytes:
    """Join what was read, so that it can be told apart again."""
    return b"".join(part for data in reads for part in (_LENGTH.pack(len(data)), data))


def unpack_reads(packed: bytes) -> list[bytes]:
    """Undo `pack_reads`."""
    reads, position = [], 0
    while position < len(packed):
        (length,) = _LENGTH.unpack_from(packed, position)
        position += _LENGTH.size
        reads.append(packed[position : position + length])
        position += length
    return reads
