"""Encoders under the scheduling that everybody has.

SVT-AV1 puts its threads, and the one that opens it, under real-time scheduling (SCHED_FIFO,
priority 99) where the process may do that, as root may: whatever else runs on the machine then
waits for it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")


def be_ordinary() -> None:
    """Put all threads of this process back where they were; they stay as nice as they are."""
    if not _THREADS.is_dir():
        return
    for thread in _THREADS.iterdir():
        with suppress(OSError):  # it has just ended
            os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))
