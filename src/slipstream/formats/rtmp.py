"""RTMP as viewers get it: every message behind a type 0 chunk header, on message stream 1.

Type 0 headers depend on nothing that came before, so the same bytes serve every viewer from
any entry on. Messages longer than the one outgoing chunk size are cut with type 3 headers.
"""

from __future__ import annotations

from struct import Struct

from slipstream.formats.format import Format
from slipstream.log.segment import Buffer
from slipstream.media import Frame, Kind
from slipstream.rtmp import OUT_CHUNK_SIZE, Message, encode_parts

PLAY_STREAM_ID = 1  # what createStream answers first, and all but odd clients use
CSID: dict[int, int] = {Kind.AUDIO: 4, Kind.VIDEO: 6, Kind.DATA: 5}
EXTENDED = 0xFFFFFF

# The 12 octets of a type 0 header as three words: csid and time, length and type, stream.
_pack_header = Struct(">III").pack
_FIRST_WORD = {kind: csid << 24 for kind, csid in CSID.items()}
_STREAM_WORD = int.from_bytes(PLAY_STREAM_ID.to_bytes(4, "little"))


class RtmpFormat(Format):
    """The default tracks, in the form that players without Enhanced RTMP v2 can read."""

    name = "rtmp"

    def wrap(self, parts: list[Buffer], frame: Frame, time_ms: int) -> int:
        """Add one message's chunks to `parts`; return how many bytes they are."""
        kind, body = frame.kind, frame.body
        size, timestamp = len(body), time_ms & 0xFFFFFFFF
        if size <= OUT_CHUNK_SIZE and timestamp < EXTENDED:
            parts += (
                _pack_header(_FIRST_WORD[kind] | timestamp, size << 8 | kind, _STREAM_WORD),
                body,
            )
            return size + 12
        chunks = encode_parts(
            Message(timestamp, kind, PLAY_STREAM_ID, body), CSID[kind], OUT_CHUNK_SIZE
        )
        parts += chunks
        return sum(map(len, chunks))


class RtmpMultitrackFormat(RtmpFormat):
    """All tracks as the publisher sent them, for players that announced multitrack."""

    name = "rtmp-multitrack"
    multitrack = True
