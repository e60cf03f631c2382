"""Numbers that outlive the worker that counted them: a small table in shared memory.

Whoever starts the workers makes it before, and they inherit it. One row for each worker that
there is at a time, so that nobody ever waits for anybody. A number's column depends on its
name alone, so that workers of different versions understand each other.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Collection, Container, Mapping
from time import time
from zlib import crc32

COLUMNS = 1021  # prime and much more than there are names: each has its own (tests see to it)
ITEM_BYTES = 8  # a float64; written at once, so that a reader sees the old one or the new one
HEAD = 8  # numbers before the first row; the first of them is `started_at`


class Ledger:
    """Rows of numbers by name, all 0 at first.

    Args:
        slots: rows; the workers' slots are counted from 0.
        fd: the table of a process that has left it to us, which becomes ours; -1 to make one.
    """

    def __init__(self, slots: int = 1, fd: int = -1) -> None:
        size = (HEAD + slots * COLUMNS) * ITEM_BYTES
        self.fd = fd if fd >= 0 else _open_memory()
        if os.fstat(self.fd).st_size < size:
            os.ftruncate(self.fd, size)
        self.slots = slots
        self._numbers: memoryview[float] = memoryview(mmap.mmap(self.fd, size)).cast("d")
        if not self.started_at:
            self.started_at = time()

    def __del__(self) -> None:
        os.close(self.fd)

    @property
    def started_at(self) -> float:
        """When the table was made, and so the server started, in seconds since 1970."""
        return self._numbers[0]

    @started_at.setter
    def started_at(self, at: float) -> None:
        self._numbers[0] = at

    def row(self, slot: int, names: Collection[str]) -> dict[str, float]:
        """What stands in a row under these names; zeros if there is no such row."""
        if slot >= self.slots:
            return dict.fromkeys(names, 0.0)
        return {name: self._numbers[_place(slot, name)] for name in names}

    def write(self, slot: int, counts: Mapping[str, float]) -> None:
        """Put numbers into a row; they are lost if there is no such row."""
        if slot < self.slots:
            for name, count in counts.items():
                self._numbers[_place(slot, name)] = count

    def total(self, names: Collection[str], but: Container[int] = ()) -> dict[str, float]:
        """The sums over all rows, some left out."""
        rows = [self.row(slot, names) for slot in range(self.slots) if slot not in but]
        return {name: sum(row[name] for row in rows) for name in names}


def column(name: str) -> int:
    """Where a number of this name stands in its row."""
    return crc32(name.encode()) % COLUMNS


def _place(slot: int, name: str) -> int:
    return HEAD + slot * COLUMNS + column(name)


def _open_memory() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("slipstream-ledger", os.MFD_CLOEXEC)
    fd, path = tempfile.mkstemp()
    os.unlink(path)
    return fd
