"""Fragmented MP4 out of whatever a publisher has sent, and the playlists of what it became.

An input is a list of tags: a type, a step of time in units of 40 ms, a length, a body. A type of
its own ends the publication, begins another one, or lets the memory run out. The
input is taken for the start of a segment, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from fuzz.script import Script
from slipstream.errors import MediaError
from slipstream.formats import (
    CmafFormat,
    Flag,
    SegmentGreeting,
    Shape,
    Window,
    hls,
    unpack_start,
)
from slipstream.hub.notes import Notes
from slipstream.log import Batch, Log
from slipstream.media import Timeline, parse_tag

ALLOWED = (MediaError,)  # by parse_tag and unpack_start; the format raises nothing
MAX_BYTES = 512

TYPES = (9, 8, 18)
STEP_MS = 40
SHAPE = Shape(500, 100, 2_000)
BOX_HEAD = 8


class FullLog(Log):
    """A log for which there is no memory, now and then."""

    is_full = False

    def append(self, batch: Batch) -> None:
        """See `Log`."""
        if self.is_full and batch.sizes:
            self.is_full = False
            raise OSError("no memory")
        super().append(batch)


def run(data: bytes) -> None:
    """Publish, and look at the log as players' workers do, always and once."""
    _unpack(data)
    log = FullLog(keep_ms=1_000)
    form = CmafFormat(log, SHAPE, lambda: 1_800_000_000.0)
    timeline, notes = Timeline(), Notes()
    always = Window(log, SHAPE)
    numbers: list[int] = []
    for kind, body, time_ms in _events(data):
        try:
            if kind < len(TYPES):
                frames = timeline.steady([parse_tag(TYPES[kind], time_ms, body)])
                form.append(*notes.take(frames))
            elif body[:1] == b"\0":
                log.is_full = True
            else:
                form.flush()
                log.finish()
                log.mark()
                timeline.restart()
                notes.begin(audio_only=body[:1] == b"\1")
        except (*ALLOWED, OSError):
            continue
        if always.update():
            numbers += [s.number for s in always.segments if s.number not in numbers]
            _playlists(always)
    log.is_full = False
    form.flush()
    always.update()
    numbers += [s.number for s in always.segments if s.number not in numbers]
    assert numbers == list(range(min(numbers, default=0), max(numbers, default=-1) + 1))
    once = Window(log, SHAPE)
    once.update()
    assert [segment.start for segment in once.shown()] == [s.start for s in always.shown()]
    assert len(_playlists(once)) == len(_playlists(always))
    _look_at(log)


def _unpack(data: bytes) -> None:
    try:
        start = unpack_start(data)
    except ALLOWED:
        return
    assert unpack_start(start.pack()) == start


def _events(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    script = Script(data)
    time_ms = 0
    while not script.at_end:
        head = script.number(1)
        time_ms += STEP_MS * (head >> 2)
        yield head % 4, script.take(script.number(1)), time_ms


def _playlists(window: Window) -> list[str]:
    start = window.start
    if start is None:
        return []
    return [
        hls.multivariant_playlist(window, "a"),
        *(hls.media_playlist(window, track, "a") for track in start.tracks),
        *(hls.media_playlist(window, track, "a", skip=True) for track in start.tracks),
    ]


def _look_at(log: Log) -> None:
    """Entries are whole boxes; what travels to other workers arrives."""
    for segment in log.segments:
        first = segment.start - segment.origin
        for end, flags in zip(segment.ends, segment.flags, strict=True):
            entry = os.pread(segment.fd, end - first, first)
            first = end
            size = int.from_bytes(entry[:4])
            if flags & (Flag.VIDEO | Flag.AUDIO):
                assert entry[4:8] == b"moof"
                assert size + int.from_bytes(entry[size : size + 4]) == len(entry)
            else:
                assert entry[4:BOX_HEAD] == b"ftyp"
    for sync in log.sync_points:
        greeting = sync.greeting
        assert isinstance(greeting, SegmentGreeting)
        assert unpack_start(greeting.segment.pack()) == greeting.segment
        CmafFormat.left_out(greeting)
