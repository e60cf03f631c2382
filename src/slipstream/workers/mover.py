"""Connections that move to the home of the stream that they want to publish or play."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct

from slipstream.net.link import Link
from slipstream.workers.directory import WorkerDirectory
from slipstream.workers.line import Line
from slipstream.workers.loads import Loads
from slipstream.workers.messages import Move

_LENGTH = Struct(">I")


class LineMover:
    """The sessions' `Mover`: by way of the supervisor, which has a line to every worker.

    Args:
        line: to the supervisor.
        directory: of this worker.
        loads: of this worker.
        count_viewers: how many watch a stream here.
    """

    def __init__(
        self,
        line: Line,
        directory: WorkerDirectory,
        loads: Loads,
        count_viewers: Callable[[str], int],
    ) -> None:
        self._line = line
        self._directory = directory
        self._loads = loads
        self._count_viewers = count_viewers

    def home_for_viewer(self, stream: str, few: int) -> int | None:
        """The stream's home, if few watch it here, and it has no more to do than this worker.

        To have anybody here follow a stream costs as much as to serve some ten viewers more.
        """
        home = self._directory.homes.get(stream) if self._line.is_open else None
        if home is None or not self._directory.is_elsewhere(stream):
            return None
        if self._count_viewers(stream) >= few or not self._loads.has_room(home):
            return None
        return home

    def move(
        self,
        link: Link,
        home: int,
        stream: str,
        connection_id: str,
        said: Sequence[bytes],
        permit: bytes,
    ) -> None:
        """Hand a connection over: its descriptor, what has been read from it, and its permit."""
        message = Move(home, stream, link.address, connection_id)
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
