"""FLV as HTTP viewers get it: a file header, then tags, each followed by its size.

Tags do not depend on one another, so the same bytes serve every viewer from any tag on.
Source: FLV 10.1, annex E.
"""

from __future__ import annotations

from slipstream.formats.format import Format, Greeting
from slipstream.log.segment import Buffer
from slipstream.media import Frame, Kind, flv_header, flv_tag_header, flv_tag_trailer


class FlvFormat(Format):
    """The default tracks, in the form that players without Enhanced RTMP v2 can read."""

    name = "flv"

    def wrap(self, parts: list[Buffer], frame: Frame, time_ms: int) -> int:
        """Add one tag to `parts`; return how many bytes it is."""
        body = frame.body
        size = len(body)
        parts += (flv_tag_header(frame.kind, time_ms, size), body, flv_tag_trailer(size))
        return size + 15

    def greet(self, greeting: Greeting, at_ms: int, *, again: bool = False) -> list[bytes]:
        """The file header and what every newcomer gets; after a jump, no header."""
        messages = super().greet(greeting, at_ms, again=again)
        if again:
            return messages
        kinds = {frame.kind for frame in greeting if frame.track == 0}
        audio, video = Kind.AUDIO in kinds, Kind.VIDEO in kinds
        # A codec without configuration (MP3, G.711) leaves no trace in the greeting: claim both.
        header = flv_header(audio=audio or not video, video=video or not audio)
        return [header, *messages]


class FlvMultitrackFormat(FlvFormat):
    """All tracks as the publisher sent them."""

    name = "flv-multitrack"
    multitrack = True
