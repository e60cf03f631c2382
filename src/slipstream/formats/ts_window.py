"""Media segments in a log of MPEG-TS: each is one part, from its start to the next one's."""

from __future__ import annotations

from slipstream.formats.segments import SegmentGreeting
from slipstream.formats.window import Part, Window
from slipstream.log import SYNC, Segment

LAST_FRAME_MS = 40  # that a segment which ends with the publication is longer than is known


class TsWindow(Window):
    """What `Window` is for parts. A segment that is not whole has none."""

    def _read(self, segment: Segment) -> None:
        """Take in the entries of one memory file."""
        greetings = {sync.position: sync.greeting for sync in self.log.sync_points}
        position = self._position
        for end, flags in zip(
            segment.ends[segment.entry_at(position) :],
            segment.flags[segment.entry_at(position) :],
            strict=True,
        ):
            greeting = greetings.get(position) if flags & SYNC else None
            newest = self.segments[-1].number if self.segments else -1
            if isinstance(greeting, SegmentGreeting) and greeting.segment.number != newest:
                self._position = position
                self._fill(position, greeting.segment.start_ms)
                self._begin(greeting, position)
            position = segment.origin + end
        self._position = position

    def _end(self) -> None:
        self._fill(self._position, self.log.head_ms + LAST_FRAME_MS)
        super()._end()

    def _fill(self, end: int, end_ms: int) -> None:
        """The newest segment ends there and then."""
        newest = self.segments[-1] if self.segments else None
        if newest is None or newest.parts:
            return
        start_ms = newest.start.start_ms
        size, length_ms = end - newest.position, max(end_ms - start_ms, 1)
        for track in newest.start.tracks:
            newest.parts[track.id] = [Part(newest.position, size, start_ms, length_ms, True)]
