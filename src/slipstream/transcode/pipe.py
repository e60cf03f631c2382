"""The child's end of the pipe: what every process has in common that works for a parent.

The child says what it does, and why it fails, on standard error, a line each. It ends when
nobody reads any more, and when its parent dies, however that happens.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

import av

from slipstream.transcode.child import PARENT

OPTIONS = {
    "flvflags": "no_duration_filesize",  # nobody can go back in a pipe to write them
    "flush_packets": "1",
    # A track that has ended holds the other one up no longer than this, in µs.
    "max_interleave_delta": "1000000",
}
STANDARD_OUTPUT = "pipe:1"  # for `av.open`

_PR_SET_PDEATHSIG = 1  # prctl(2)


def run_child(work: Callable[[], None]) -> int:
    """Do the work of the process; return its exit code."""
    _die_with_parent()
    try:
        work()
    except BrokenPipeError:
        return 0  # the reader has had enough
    except (av.FFmpegError, OSError, ValueError) as error:
        tell(reason_of(error))
        return 1
    return 0


def tell(line: str) -> None:
    """Say something to the parent."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def reason_of(error: Exception) -> str:
    """What FFmpeg says, without its number and the file's name, which the user knows."""
    if isinstance(error, (av.FFmpegError, OSError)) and error.strerror:
        return error.strerror
    return str(error)


def _die_with_parent() -> None:
    """Have Linux end us with our parent; elsewhere the pipe's end does, a little later."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.environ.get(PARENT) not in (None, str(os.getppid())):  # it has died already
        sys.exit(1)
