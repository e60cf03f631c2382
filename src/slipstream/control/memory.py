"""How much memory a worker may take: beyond it nobody new may publish.

What grows is streams; viewers cost next to nothing. So those who are there go on, and only
publishers are refused, long before the machine would have to kill somebody. Counted is what
the process has mapped (RSS) and what is kept of the logs it has written; logs that it reads
of other workers are theirs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import structlog

from slipstream.control.configuration.settings import ServerSettings
from slipstream.hub import Notice, NoticeKind, Notices

log = structlog.get_logger()

SHARE = 0.8  # of what there is, if nothing is set
FREE_AGAIN = 0.95  # of the limit, so that it does not begin and end with each picture
REFUSAL = "the server's memory is full"


class MemoryGuard:
    """Call `measure()` about once a second, ask `refusal()` before somebody publishes.

    Args:
        max_bytes: the ceiling; 0: none.
        notices: told when it is reached.
    """

    def __init__(self, max_bytes: int = 0, notices: Notices | None = None) -> None:
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self.is_full = False
        self._notices = notices or Notices()

    def measure(self, log_bytes: int) -> None:
        """Look how much is used.

        Args:
            log_bytes: what is kept of the logs that this worker has written.
        """
        self.note(resident_bytes() + log_bytes)

    def note(self, used_bytes: int) -> None:
        """So much is used now."""
        self.used_bytes = used_bytes
        if not self.is_full and 0 < self.max_bytes < used_bytes:
            self.is_full = True
            log.warning("memory.full", used_bytes=used_bytes, max_bytes=self.max_bytes)
            detail = {"limit": "memory", "used_bytes": used_bytes, "max_bytes": self.max_bytes}
            self._notices.tell(Notice(NoticeKind.LIMIT, reason=REFUSAL, detail=detail))
        elif self.is_full and used_bytes < self.max_bytes * FREE_AGAIN:
            self.is_full = False
            log.info("memory.free", used_bytes=used_bytes, max_bytes=self.max_bytes)

    def refusal(self) -> str:
        """Why nobody may begin to publish now; empty if anybody may."""
        return REFUSAL if self.is_full else ""


def memory_ceiling(settings: ServerSettings, workers: int) -> int:
    """What each of so many workers may take, in bytes."""
    if settings.max_memory_mb:
        return settings.max_memory_mb << 20
    return int(given_memory() * SHARE / workers)


def resident_bytes() -> int:
    """What this process has in memory, shared pages included; 0 where nobody tells (20 µs)."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def given_memory(root: Path = Path("/")) -> int:
    """The machine's memory in bytes, or what its control group may take of it.

    Args:
        root: of the file system.
    """
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *_group_limits(root)])


def _group_limits(root: Path) -> Iterator[int]:
    """The limits of this process's control group and of all around it (cgroups(7))."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:  # version 2
            top, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        folder = top / group.strip("/")
        for place in (folder, *folder.parents):
            yield from _limit(place / name)
            if place == top:
                break


def _limit(file: Path) -> Iterator[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return
    if text.isdigit():  # else "max"
        yield int(text)
