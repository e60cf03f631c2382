"""A stream in one wire format: an append-only chain of segments, and where to start in it.

Positions are bytes since the log began and only grow. What is kept: everything from the
newest sync point on, and at least `keep_ms`, unless `max_bytes` forbids it. The log never
waits for a reader: one whose segment has gone has to jump.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from slipstream.log.segment import Buffer, Segment

SYNC = 0x01  # the one flag that the log itself reads: a newcomer may start at this entry

MIN_SEGMENT = 256 << 10  # bytes; a sound stream of 64 kbit/s fills it in half a minute
MAX_SEGMENT = 8 << 20
SEGMENT_MS = 10_000  # a new segment is made as large as this much of the stream


class SyncPoint(NamedTuple):
    """Where a newcomer may start, and what it must be given before.

    `greeting` is the format's own matter; the log only keeps it at hand.
    """

    position: int
    time_ms: int
    greeting: object


@dataclass(slots=True)
class Batch:
    """Entries on their way into the log, column by column.

    `parts` are the bytes of all entries in order; they may be cut anywhere.
    `greetings` belong to the entries flagged SYNC, in order.
    """

    parts: list[Buffer] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    flags: bytearray = field(default_factory=bytearray)
    greetings: list[object] = field(default_factory=list)


class Log:
    """Append batches, start cursors at `sync_points[-1]`, send up to `head`.

    Args:
        keep_ms: how much is kept at least, in ms, if `max_bytes` allows.
        max_bytes: memory bound. If what lies behind the newest sync point exceeds it, there
            is no sync point until the next one is appended.
    """

    def __init__(self, *, keep_ms: int = 10_000, max_bytes: int = 64 << 20) -> None:
        self.head = 0  # position past the last byte
        self.head_ms = 0  # time of the last entry
        self.era = 0  # where the newest publication begins
        self.marked = 0  # where a publication began or ended last
        self.is_over = False  # the newest publication
        self.segments: list[Segment] = []
        self.sync_points: deque[SyncPoint] = deque()
        self.keep_ms = keep_ms  # may grow
        self._max_bytes = max_bytes

    @property
    def tail(self) -> int:
        """The first position still kept."""
        return self.segments[0].start if self.segments else self.head

    def append(self, batch: Batch) -> None:
        """Add the entries of `batch`, in order.

        Raises:
            OSError: the machine is out of memory. What was appended before stays valid.
        """
        if not batch.sizes:
            return
        if self.segments and self._room() >= sum(batch.sizes):
            self._write(self.segments[-1], batch.parts, batch.sizes, batch.times, batch.flags)
        else:
            self._write_across(batch)
        if batch.greetings:
            self._add_sync_points(batch)

    def mark(self) -> None:
        """What comes from now on is another publication: `era` is where it begins."""
        self.era = self.marked = self.head
        self.is_over = False

    def finish(self) -> None:
        """The publication has ended."""
        self.marked = self.head
        self.is_over = True

    def forget_era(self) -> None:
        """The publication has ended, and whoever has not seen it does not want it."""
        self.mark()
        self.is_over = True

    @property
    def is_under_way(self) -> bool:
        """Whether there is a publication at which somebody could start."""
        syncs = self.sync_points
        return not self.is_over and bool(syncs) and syncs[-1].position >= self.era

    def adopt(self, fd: int, capacity: int, offset: int) -> None:
        """Go on in a segment that another process writes.

        Args:
            fd: of its file; becomes ours.
            capacity: of the file, in bytes.
            offset: in the file, of the first entry that will be noted.
        """
        if self.segments and not self.segments[-1].ends:
            self.segments.pop()  # its writer died before it could say what is in it
        self._drop_old()
        self.segments.append(Segment(self.head, capacity, fd, offset))

    def note(self, batch: Batch) -> None:
        """Add entries whose bytes another process has written to the segment adopted last."""
        segment = self.segments[-1]
        segment.note(batch.sizes, batch.times, batch.flags)
        self.head = segment.end
        self.head_ms = batch.times[-1]
        if batch.greetings:
            self._add_sync_points(batch)

    def flags_since(self, position: int) -> Iterator[int]:
        """Of all entries from `position` on that are kept, in order."""
        for segment in self.segments:
            if segment.end > position:
                yield from segment.flags[segment.entry_at(max(position, segment.start)) :]

    def entries_between(self, start: int, end: int) -> int:
        """How many entries begin in a range of positions, as far as they are kept."""
        count = 0
        for segment in self.segments:
            first, last = max(start, segment.start), min(end, segment.end)
            if first < last:
                count += segment.entry_at(last - 1) - segment.entry_at(first) + 1
        return count

    def size_at(self, position: int) -> int:
        """Of the entry that begins at `position`; 0: it is not kept."""
        segment = self.locate(position)
        return 0 if segment is None else segment.boundary(position + 1) - position

    def locate(self, position: int) -> Segment | None:
        """The segment that holds `position`, or None if that is no longer (or not yet) kept."""
        segments = self.segments
        if not segments or not segments[0].start <= position < self.head:
            return None
        return segments[bisect_right(segments, position, key=_start) - 1]

    def time_at(self, position: int) -> int:
        """The time of the entry at `position`, in ms; the oldest kept one's if it has gone."""
        if position >= self.head or not self.segments:
            return self.head_ms
        return (self.locate(position) or self.segments[0]).time_at(position)

    def sync_point(self, delay_ms: int = 0) -> SyncPoint | None:
        """Where somebody starts who wants to be `delay_ms` behind; None if nobody can start.

        The newest place that is so far behind, or the oldest there is.
        """
        syncs = self.sync_points
        if not delay_ms or not syncs:
            return syncs[-1] if syncs else None
        due_ms = self.head_ms - delay_ms
        return next((sync for sync in reversed(syncs) if sync.time_ms <= due_ms), syncs[0])

    def end_of(self, time_ms: int, position: int) -> int:
        """Where the first entry from `position` on begins that is newer than `time_ms`.

        `position` is the beginning of an entry; what is no longer kept is passed over.
        """
        position = max(position, self.tail)
        while (segment := self.locate(position)) is not None:
            position = segment.end_of(time_ms, position)
            if position < segment.end:
                break
        return position

    def bytes_kept(self) -> int:
        """Bytes of the stream in memory."""
        return self.head - self.tail

    def bytes_per_second(self) -> int:
        """The rate over what is kept, in bytes per second of stream time; 0 while unknown."""
        if not self.segments:
            return 0
        times = self.segments[0].times
        span_ms = self.head_ms - times[0] if times else 0
        return (self.head - self.tail) * 1000 // span_ms if span_ms >= 500 else 0

    def _room(self) -> int:
        last = self.segments[-1]
        return 0 if last.is_foreign else last.capacity - last.size

    def _write(
        self,
        segment: Segment,
        parts: Sequence[Buffer],
        sizes: Sequence[int],
        times: Sequence[int],
        flags: Buffer,
    ) -> None:
        segment.write(parts, sizes, times, flags)
        self.head = segment.end
        self.head_ms = times[-1]

    def _write_across(self, batch: Batch) -> None:
        """Append entry by entry, opening segments as needed; rare, so copying is fine."""
        data = memoryview(b"".join(batch.parts))
        for size, time_ms, flag in zip(batch.sizes, batch.times, batch.flags, strict=True):
            if not self.segments or self._room() < size:
                self._open_segment(size)
            self._write(self.segments[-1], [data[:size]], [size], [time_ms], bytes((flag,)))
            data = data[size:]

    def _open_segment(self, at_least: int) -> None:
        rate = self.bytes_per_second()
        usual = min(max(rate * SEGMENT_MS // 1000, MIN_SEGMENT), MAX_SEGMENT) if rate else 1 << 20
        self._drop_old()
        self.segments.append(Segment(self.head, max(usual, at_least)))

    def _drop_old(self) -> None:
        """Let go of segments that nobody needs to start in, or that pass the memory bound."""
        segments = self.segments
        needed = self.sync_points[-1].position if self.sync_points else self.head
        while segments and (
            (segments[0].end <= needed and self._is_old(segments[0]))
            or self.bytes_kept() > self._max_bytes
        ):
            segments.pop(0)
            while self.sync_points and self.sync_points[0].position < self.tail:
                self.sync_points.popleft()

    def _is_old(self, segment: Segment) -> bool:
        """Whether a segment may be let go; one that another process never filled is of no use."""
        return not segment.times or segment.times[-1] < self.head_ms - self.keep_ms

    def _add_sync_points(self, batch: Batch) -> None:
        position = self.head - sum(batch.sizes)
        greetings = iter(batch.greetings)
        for size, time_ms, flag in zip(batch.sizes, batch.times, batch.flags, strict=True):
            if flag & SYNC:
                self.sync_points.append(SyncPoint(position, time_ms, next(greetings)))
            position += size
        while (
            len(self.sync_points) > 1 and self.sync_points[1].time_ms < self.head_ms - self.keep_ms
        ):
            self.sync_points.popleft()


def _start(segment: Segment) -> int:
    return segment.start
