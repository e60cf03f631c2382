"""The child process of snapshots: keyframes in, JPEGs out, one after the other.

Started as `python -m slipstream.transcode.snapshot_child`; see `keyframe` for what passes over
its standard input and output. It ends with its input.
"""

from __future__ import annotations

import resource
import sys
from typing import BinaryIO

import av

from slipstream.transcode.jpeg import make_jpegs
from slipstream.transcode.keyframe import Keyframe, Outcome
from slipstream.transcode.pipe import reason_of, run_child

MAX_MEMORY = 2 << 30  # bytes: decoders are told to hold more by those who mean harm


def answer_all(orders: BinaryIO, answers: BinaryIO) -> None:
    """Make what is ordered until nobody orders any more."""
    while (order := Keyframe.read_order(orders)) is not None:
        jpegs: list[bytes] = []
        reason = ""
        try:
            jpegs = make_jpegs(*order)
        except (av.FFmpegError, ValueError, MemoryError) as error:
            reason = reason_of(error) or "out of memory"
        answers.write(Outcome([len(jpeg) for jpeg in jpegs], reason).to_line() + b"".join(jpegs))
        answers.flush()


def main() -> int:
    """Run; return the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    return run_child(lambda: answer_all(sys.stdin.buffer, sys.stdout.buffer))


if __name__ == "__main__":
    sys.exit(main())
