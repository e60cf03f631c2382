"""Media segments: where the players of playlists may begin, and what they must know there.

A format that is served in segments begins each of them at a sync point, and says so in its
greeting. Every process that has the log finds the same segments in it, with the same numbers.

Numbers grow by one from segment to segment. The first one is the time, in units no longer than
a segment, so that whoever begins anew (a format that was let go, a server that was restarted)
begins beyond all that was handed out before. Discontinuities are counted from another number
after a restart, too, since what players know of times before it does not hold any more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from struct import Struct, error

from slipstream.errors import MediaError
from slipstream.log import Log
from slipstream.media import Frame

NUMBER_UNIT_MS = 1_000  # of a first number; less where segments are shorter than that
DISCONTINUITIES = 4096  # their count begins below: hls.js has a table as long as it is high
EARLY = 0.95  # of the wanted duration, so that keyframes every 2 s minus a ms make segments of 2 s
_size = Struct("=I")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a stream is cut.

    Attributes:
        segment_ms: a media segment ends at the first place to start after so long.
        part_ms: no part of one is longer.
        window_ms: what a playlist shows at least, behind the newest segment's end.
    """

    segment_ms: int = 2_000
    part_ms: int = 250
    window_ms: int = 16_000

    def keep_ms(self, target_ms: int) -> int:
        """How much of the log is kept: what has left the playlist is kept as long as the
        longest playlist it stood in (RFC 8216 §6.2.2).
        """
        return 2 * self.shown_ms(target_ms) + 2 * target_ms

    def shown_ms(self, target_ms: int) -> int:
        """How much a playlist shows, of segments no longer than `target_ms`."""
        return max(self.window_ms, 4 * target_ms)


USUAL_SHAPE = Shape()


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """One track of a presentation.

    Attributes:
        name: `v0` or `a0`: its kind and number.
        id: in the boxes of MP4.
        codec: as RFC 6381 has it.
        timescale: units per second of its times.
        init: the initialisation segment of this track alone; empty if there is no such thing.
        language: of sound, as RFC 5646 has it; empty if nobody says.
    """

    name: str
    id: int
    codec: str
    timescale: int
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    init: bytes = b""
    language: str = ""

    @property
    def is_video(self) -> bool:
        """Whether there are pictures in it."""
        return self.name[0] == "v"


@dataclass(frozen=True, slots=True)
class SegmentStart:
    """What is known where a media segment begins.

    Attributes:
        number: media sequence number.
        discontinuities: how many there have been, from whatever number they are counted.
        start_ms: the stream's time.
        wall_ms: the same on the clock, in ms since 1970.
        target_ms: no segment before was longer.
        tracks: of the segment.
        init: the initialisation segment of all tracks together.
        since_ms: the stream's time at the newest discontinuity.
    """

    number: int
    discontinuities: int
    start_ms: int
    wall_ms: int
    target_ms: int
    tracks: tuple[TrackInfo, ...]
    init: bytes = b""
    since_ms: int = 0

    def pack(self) -> bytes:
        """As it travels between processes."""
        fields = asdict(self)
        inits = [self.init, *(track.pop("init") for track in fields["tracks"])]
        del fields["init"]
        head = json.dumps(fields, separators=(",", ":")).encode()
        return b"".join(
            part for piece in (head, *inits) for part in (_size.pack(len(piece)), piece)
        )


def unpack_start(data: bytes) -> SegmentStart:
    """Read what `SegmentStart.pack()` wrote.

    Raises:
        MediaError: it is something else.
    """
    try:
        head, init, *inits = _pieces(data)
        fields = json.loads(head)
        fields["tracks"] = tuple(
            TrackInfo(**track, init=own) for track, own in zip(fields["tracks"], inits, strict=True)
        )
        return SegmentStart(**fields, init=init)
    except (error, ValueError, TypeError, KeyError, RecursionError) as wrong:
        raise MediaError("not the start of a segment") from wrong


def _pieces(data: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        (size,) = _size.unpack_from(data, position)
        position += _size.size
        if size > len(data) - position:
            raise ValueError(f"{size} bytes announced, {len(data) - position} there")
        yield data[position : position + size]
        position += size


class SegmentGreeting(tuple[Frame, ...]):
    """A greeting that also says which media segment begins, or goes on, where it belongs.

    Attributes:
        segment: that segment.
    """

    segment: SegmentStart

    @classmethod
    def of(cls, frames: tuple[Frame, ...], segment: SegmentStart) -> SegmentGreeting:
        """Join the two."""
        greeting = cls(frames)
        greeting.segment = segment
        return greeting


class Segmenter:
    """Numbers the segments of one log. Ask `is_due()` where one may begin, then `begin()` it.

    Args:
        log: to be cut; the segments that are in it already are counted on.
        shape: of the segments.
        clock: seconds since 1970.
    """

    def __init__(self, log: Log, shape: Shape, clock: Callable[[], float]) -> None:
        self.current: SegmentStart | None = None
        self._log = log
        self._shape = shape
        self._clock = clock
        self._era = -1
        self._ahead_ms = 0  # of the stream's time: the clock

    def is_due(self, time_ms: int) -> bool:
        """Whether a segment begins at a place to start at this time."""
        current = self.current
        if current is None or not self._goes_on:
            return True
        return time_ms - current.start_ms >= self._shape.segment_ms * EARLY

    def begin(
        self, time_ms: int, newest_ms: int, tracks: tuple[TrackInfo, ...], init: bytes = b""
    ) -> SegmentStart:
        """Begin a segment.

        Args:
            time_ms: of the stream, where it begins.
            newest_ms: the same, now.
            tracks: of the segment.
            init: the initialisation segment of all of them.
        """
        before, goes_on = self.newest, self._goes_on
        if not goes_on:
            self._era = self._log.era
            self._ahead_ms = round(self._clock() * 1000) - newest_ms
        wall_ms = time_ms + self._ahead_ms
        if before is None:
            first = wall_ms // min(int(self._shape.segment_ms * EARLY), NUMBER_UNIT_MS)
            target_ms = self._shape.segment_ms
            start = SegmentStart(
                first, first % DISCONTINUITIES, time_ms, wall_ms, target_ms, tracks, init, time_ms
            )
        else:
            same = goes_on and (before.tracks, before.init) == (tracks, init)
            end_ms = time_ms if goes_on else self._log.head_ms + self._shape.part_ms
            start = SegmentStart(
                before.number + 1,
                before.discontinuities + (not same),
                time_ms,
                wall_ms,
                max(before.target_ms, end_ms - before.start_ms),
                tracks,
                init,
                before.since_ms if same else time_ms,
            )
        self.current = start
        self._log.keep_ms = max(self._log.keep_ms, self._shape.keep_ms(start.target_ms))
        return start

    def start_anew(self) -> None:
        """What began last is lost; what is in the log is counted on."""
        self.current = None

    @property
    def newest(self) -> SegmentStart | None:
        """The newest segment, be it ours or written by somebody else."""
        syncs = self._log.sync_points
        if self._goes_on or not syncs:
            return self.current
        greeting = syncs[-1].greeting
        return greeting.segment if isinstance(greeting, SegmentGreeting) else self.current

    @property
    def _goes_on(self) -> bool:
        """Whether the current segment is one of the publication that is written now."""
        return self.current is not None and self._log.era == self._era
