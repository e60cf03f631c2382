"""What is in a log that is cut into segments: which segments and parts, and where they lie.

Whoever serves playlists keeps a `Window` on the log and has it `update()` itself when that has
grown. All that it knows stands in the log, so that every process finds the same.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

from slipstream.formats.format import Flag
from slipstream.formats.segments import SegmentGreeting, SegmentStart, Shape, TrackInfo
from slipstream.log import SYNC, Log, Segment
from slipstream.media import HEAD_BYTES, parse_fragment

MAX_HEAD_BYTES = 256 << 10  # of a fragment: thousands of samples
TINY = 1e-6  # what is lost where numbers have no end


class Part(NamedTuple):
    """One fragment of one track.

    Attributes:
        position: in the log.
        size: bytes.
        decode_time: of its first sample, in units of the track's timescale.
        duration: in the same.
        independent: whether decoding can start here.
    """

    position: int
    size: int
    decode_time: int
    duration: int
    independent: bool


@dataclass(slots=True)
class MediaSegment:
    """One media segment of all tracks.

    Attributes:
        start: what is known at its beginning.
        position: in the log.
        parts: by the track's id.
        is_whole: nothing more comes.
    """

    start: SegmentStart
    position: int
    parts: dict[int, list[Part]] = field(default_factory=dict)
    is_whole: bool = False

    @property
    def number(self) -> int:
        """The media sequence number."""
        return self.start.number

    def parts_of(self, track: TrackInfo) -> list[Part]:
        """Of one track, in order."""
        return self.parts.get(track.id, [])

    def own(self, track: TrackInfo) -> TrackInfo:
        """The track as it is in this segment."""
        return next((own for own in self.start.tracks if own.id == track.id), track)

    @property
    def length_s(self) -> float:
        """How long the longest track is in it, so far."""
        return max((self.duration_s(track) for track in self.start.tracks), default=0.0)

    def told_s(self, track: TrackInfo) -> float:
        """The same, as playlists tell it: where the track is away, so are the others' parts."""
        missing_s = self.length_s if self.is_whole else 0.0
        return self.duration_s(track) or missing_s

    def duration_s(self, track: TrackInfo) -> float:
        """How long the track is in it, so far."""
        return sum(part.duration for part in self.parts_of(track)) / self.own(track).timescale

    def longest_part_s(self, track: TrackInfo) -> float:
        """How long the longest part of a track is in it."""
        longest = max((part.duration for part in self.parts_of(track)), default=0)
        return longest / self.own(track).timescale


class Window:
    """See the module.

    Args:
        log: in the format `cmaf`.
        shape: how it is cut.
    """

    def __init__(self, log: Log, shape: Shape) -> None:
        self.log = log
        self.shape = shape
        self.segments: deque[MediaSegment] = deque()  # those that can be fetched
        self.version = 0  # changes whenever anything does
        self._position = 0  # in the log, of what has not been looked at
        self._longest_s = 0.0  # of all segments that have been whole
        self._first = 0  # number of the first one that playlists show

    @property
    def start(self) -> SegmentStart | None:
        """The newest segment's; None: there is nothing."""
        return self.segments[-1].start if self.segments else None

    @property
    def target_s(self) -> int:
        """The longest segment, in s, rounded as playlists want it."""
        start = self.start
        target_s = (start.target_ms if start else self.shape.segment_ms) / 1000
        return max(int(max(target_s, self._longest_s) + 0.5), 1)

    def part_target_s(self, track: TrackInfo) -> float:
        """The longest part of a track that can stand in a playlist, in whole ms."""
        longest_s = max((segment.longest_part_s(track) for segment in self.shown()), default=0.0)
        return ceil(longest_s * 1000 - TINY) / 1000 or self.shape.part_ms / 1000

    def longest_part_target_s(self) -> float:
        """The same of all tracks."""
        tracks = {track.id: track for segment in self.shown() for track in segment.start.tracks}
        return max(map(self.part_target_s, tracks.values()), default=self.shape.part_ms / 1000)

    def shown(self) -> list[MediaSegment]:
        """The segments that stand in playlists, the last one maybe not whole."""
        return [segment for segment in self.segments if segment.number >= self._first]

    def find(self, number: int) -> MediaSegment | None:
        """The segment with that number, if it can be fetched."""
        return next((one for one in reversed(self.segments) if one.number == number), None)

    def track(self, name: str) -> TrackInfo | None:
        """A track of the newest segment that has it."""
        for segment in reversed(self.segments):
            for track in segment.start.tracks:
                if track.name == name:
                    return track
        return None

    def is_independent(self, track: TrackInfo) -> bool:
        """Whether decoding can start at each segment of a track."""
        firsts = [parts[0] for segment in self.shown() if (parts := segment.parts_of(track))]
        return all(part.independent for part in firsts)

    def bandwidth(self, track: TrackInfo) -> tuple[int, int]:
        """How many bits a second of a track has, at most and on average over whole segments."""
        rates = []
        size = duration = 0.0
        for segment in self.shown():
            length = segment.duration_s(track)
            if length and segment.is_whole:
                bits = sum(part.size for part in segment.parts_of(track)) * 8
                rates.append(bits / length)
                size, duration = size + bits, duration + length
        if not rates:
            return 1, 1
        return round(max(rates)), round(size / duration)

    def update(self) -> bool:
        """Look at what is new in the log. True: there is something."""
        log, before = self.log, self.version
        while self.segments and self.segments[0].position < log.tail:
            self.segments.popleft()
            self.version += 1
        self._position = max(self._position, log.tail)
        while self._position < log.head:
            segment = log.locate(self._position)
            if segment is None:
                break
            self._read(segment)
        if log.is_over:
            self._end()
        return self.version != before

    def read(self, part: Part) -> bytes:
        """The bytes of a part.

        Raises:
            LookupError: it is no longer kept.
        """
        pieces = []
        position, end = part.position, part.position + part.size
        while position < end:
            segment = self.log.locate(position)
            if segment is None:
                raise LookupError("no longer kept")
            size = min(end, segment.end) - position
            pieces.append(os.pread(segment.fd, size, position - segment.origin))
            position += size
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read(self, segment: Segment) -> None:
        """Take in the entries of one memory file."""
        greetings = {sync.position: sync.greeting for sync in self.log.sync_points}
        for index in range(segment.entry_at(self._position), len(segment.ends)):
            end = segment.origin + segment.ends[index]
            flags = segment.flags[index]
            if flags & SYNC:
                self._begin(greetings.get(self._position), self._position)
            if flags & (Flag.VIDEO | Flag.AUDIO) and self.segments:
                self._add(segment, self._position, end, flags)
            self._position = end

    def _begin(self, greeting: object, position: int) -> None:
        self._end()
        if not isinstance(greeting, SegmentGreeting):
            return  # nobody may start there any more
        start = greeting.segment
        self._leave_out(start)
        self.segments.append(MediaSegment(start, position))
        self.log.keep_ms = max(self.log.keep_ms, self.shape.keep_ms(start.target_ms))

    def _leave_out(self, start: SegmentStart) -> None:
        """Say what playlists show no more, and never again, once this segment begins."""
        oldest_ms = start.start_ms - self.shape.shown_ms(start.target_ms)
        first = start.number
        for segment in reversed(self.segments):
            if segment.number != first - 1 or segment.start.start_ms < oldest_ms:
                break
            first = segment.number
        self._first = max(self._first, first)

    def _add(self, segment: Segment, position: int, end: int, flags: int) -> None:
        newest = self.segments[-1]
        if newest.is_whole:
            return  # its beginning has not been seen
        size, offset = end - position, position - segment.origin
        fragment = parse_fragment(os.pread(segment.fd, min(size, HEAD_BYTES), offset))
        if fragment is None:
            fragment = parse_fragment(os.pread(segment.fd, min(size, MAX_HEAD_BYTES), offset))
        if fragment is None:
            return
        independent = not flags & Flag.VIDEO or bool(flags & Flag.KEYFRAME)
        part = Part(position, size, fragment.decode_time, fragment.duration, independent)
        newest.parts.setdefault(fragment.track_id, []).append(part)
        self.version += 1
        if flags & Flag.END:
            self._end()

    def _end(self) -> None:
        """The newest segment is whole."""
        newest = self.segments[-1] if self.segments else None
        if newest is not None and not newest.is_whole:
            newest.is_whole = True
            self.version += 1
            self._longest_s = max(self._longest_s, newest.length_s)
