"""One memory file of a log and the index of the entries in it.

Bytes are appended and never rewritten: the kernel's socket queues refer to these very pages,
so rewriting would corrupt what is in flight. An entry (one message) lies in one segment only.
The file is closed when the last reference to the segment goes, so that a cursor that is in
the middle of a message keeps it readable after the log has dropped it.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

IOV_MAX = 1024  # parts that one pwritev takes (Linux; POSIX promises 16, nobody has fewer)

Buffer = bytes | bytearray | memoryview


def open_memory(capacity: int) -> int:
    """Return the descriptor of a new memory file. Pages cost memory only once written."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("slipstream-log", os.MFD_CLOEXEC)
    else:  # macOS and older kernels: an unlinked file is the nearest thing
        fd, path = tempfile.mkstemp()
        os.unlink(path)
    os.ftruncate(fd, capacity)
    return fd


class Segment:
    """A range of a log's positions, backed by one file.

    Args:
        start: position in the log of the first entry.
        capacity: bytes that fit.
        fd: the file, which becomes ours, if another process writes it; -1 to make one.
        offset: in the file, of the first entry.

    Attributes:
        origin: position in the log of the file's first byte.
    """

    __slots__ = (
        "__weakref__",
        "capacity",
        "ends",
        "fd",
        "flags",
        "is_foreign",
        "origin",
        "size",
        "start",
        "times",
    )

    def __init__(self, start: int, capacity: int, fd: int = -1, offset: int = 0) -> None:
        self.start = start
        self.origin = start - offset
        self.capacity = capacity
        self.size = offset  # of the file, as far as it is written
        self.is_foreign = fd >= 0
        self.fd = fd if self.is_foreign else open_memory(capacity)
        self.ends = array("I")  # of each entry, bytes from `origin`
        self.times = array("q")  # of each entry, in ms
        self.flags = bytearray()  # of each entry, given meaning by the formats

    def __del__(self) -> None:
        os.close(self.fd)

    @property
    def end(self) -> int:
        """The position past the last byte."""
        return self.origin + self.size

    def write(
        self, parts: Sequence[Buffer], sizes: Sequence[int], times: Sequence[int], flags: Buffer
    ) -> None:
        """Append entries that fit; `parts` are their bytes in order, cut anywhere.

        Raises:
            OSError: the machine is out of memory; nothing was appended.
        """
        total = sum(sizes)
        offset = self.size
        for first in range(0, len(parts), IOV_MAX):
            offset += os.pwritev(self.fd, parts[first : first + IOV_MAX], offset)
        if offset != self.size + total:
            raise OSError(f"{offset - self.size} of {total} bytes went into the log")
        self.note(sizes, times, flags)

    def note(self, sizes: Sequence[int], times: Sequence[int], flags: Buffer) -> None:
        """Add entries to the index whose bytes are in the file."""
        end = self.size
        for size in sizes:
            end += size
            self.ends.append(end)
        self.times.extend(times)
        self.flags += flags
        self.size = end

    def entry_at(self, position: int) -> int:
        """The index of the entry that holds the byte at `position`."""
        return bisect_right(self.ends, position - self.origin)

    def boundary(self, position: int) -> int:
        """The first position at or after `position` where an entry ends (0.3 µs)."""
        if position <= self.start:
            return self.start
        ends = self.ends
        return self.origin + ends[bisect_left(ends, position - self.origin)]

    def time_at(self, position: int) -> int:
        """The time of the entry that holds `position`, or of the last one, in ms."""
        return self.times[min(self.entry_at(position), len(self.times) - 1)]

    def end_of(self, time_ms: int, position: int) -> int:
        """Where the first entry from `position` on begins that is newer than `time_ms`.

        Looked for one by one: sound may lie beside pictures of another time.
        """
        times = self.times
        first = self.entry_at(position)
        for index in range(first, len(times)):
            if times[index] > time_ms:
                return self.origin + self.ends[index - 1] if index else self.start
        return self.end
