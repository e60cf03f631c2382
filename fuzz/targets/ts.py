"""MPEG-TS out of whatever a publisher has sent: whole packets, and a place to start that is one.

An input is a list of tags: a type, a step of time in units of 40 ms, a length, a body. They are
given to one format, or in turns to two that write to the same log, as workers do.
"""

from __future__ import annotations

import os

from fuzz.script import Script
from slipstream.errors import MediaError
from slipstream.formats import TsFormat
from slipstream.hub.notes import Notes
from slipstream.log import Log
from slipstream.media import Frame, parse_tag
from slipstream.media.mpegts import PACKET_SIZE, SYNC_BYTE

ALLOWED = (MediaError,)  # by parse_tag; the format raises nothing
MAX_BYTES = 512

TYPES = (9, 8, 18)
STEP_MS = 40
TABLES = b"\x47\x40\x00"  # the first bytes of a PAT


def run(data: bytes) -> None:
    """Give the frames to the format, some at a time, and look at the packets."""
    script = Script(data)
    how = script.number(1)
    at_once, workers = 1 + how % 4, 1 + (how >> 2) % 2
    frames: list[Frame] = []
    time_ms = 0
    while not script.at_end:
        head = script.number(1)
        time_ms += STEP_MS * (head >> 2)
        try:
            frames.append(parse_tag(TYPES[head % 3], time_ms, script.take(script.number(1))))
        except ALLOWED:
            continue
    log, notes = Log(), Notes()
    forms = [TsFormat(log) for _ in range(workers)]
    notes.begin(audio_only=not any(frame.keyframe for frame in frames))
    for start in range(0, len(frames), at_once):
        form = forms[start // at_once % workers]
        form.append(*notes.take(frames[start : start + at_once]))
    written = b"".join(os.pread(part.fd, part.size, 0) for part in log.segments)
    assert len(written) % PACKET_SIZE == 0
    assert set(written[::PACKET_SIZE]) <= {SYNC_BYTE}
    for sync in log.sync_points:
        assert written[sync.position :].startswith(TABLES)
        TsFormat.left_out(sync.greeting)  # type: ignore[arg-type]
