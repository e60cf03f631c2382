"""What a viewer learns of a stream while it comes: its tracks, figures and metadata."""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.amf import Value
from slipstream.errors import MediaError
from slipstream.media import (
    CodecInfo,
    FlvTag,
    Frame,
    Kind,
    describe,
    parse_metadata,
    parse_tag,
    split_tracks,
)
from slipstream.tools.meter import StreamMeter, TrackKey

CLOCK = 1 << 32  # ms; FLV's timestamps have a sign, RTMP's have none
DESCRIBED_FRAMES = 3  # of each track that are looked into, besides its configurations


class Viewing:
    """Give `count()` the tags of a stream as they come.

    Attributes:
        meter: the figures.
        infos: what is known of each track.
        metadata: what the encoder says of the stream.
        unreadable: tags that are no media that we know.
    """

    def __init__(self) -> None:
        self.meter = StreamMeter()
        self.infos: dict[TrackKey, CodecInfo] = {}
        self.metadata: dict[str, Value] = {}
        self.unreadable = 0

    def count(self, tags: Sequence[FlvTag], now: float) -> None:
        """Take tags that came at `now`, in seconds of a clock that never goes back."""
        for type_id, timestamp, body in tags:
            try:
                for frame in split_tracks(parse_tag(type_id, timestamp % CLOCK, body)):
                    self._look_into(frame)
                    self.meter.count(frame, now)
            except MediaError:
                self.unreadable += 1

    def _look_into(self, frame: Frame) -> None:
        if frame.kind is Kind.DATA:
            if frame.config:
                self.metadata = parse_metadata(frame.body)
            return
        key = frame.kind, frame.track
        track = self.meter.tracks.get(key)
        if frame.config or track is None or track.frames < DESCRIBED_FRAMES:
            info, known = describe(frame), self.infos.get(key)
            if known is not None:
                newer, older = (info, known) if frame.config else (known, info)
                info = newer.filled_from(older)
            self.infos[key] = info
