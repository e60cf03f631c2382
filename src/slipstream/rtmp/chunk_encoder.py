"""The RTMP chunk stream, sending side: one message in, its chunks out.

Every message begins with a type 0 header, so that its bytes depend on nothing sent before and
can be written once for every viewer; a type 3 header follows after each `chunk_size` bytes.
An extended timestamp is repeated after every type 3 header: FFmpeg and librtmp lose their place
without it (§5.3.1.3).

Source: RTMP 1.0 §5.3; "§" cites it.
"""

from __future__ import annotations

import struct

from slipstream.rtmp.messages import Message

EXTENDED = 0xFFFFFF  # in the 3-byte time field: the time itself is in the next 4 bytes (§5.3.1.3)

_FIELDS = struct.Struct(">II")  # a byte before a u24 of time; a u24 of length and u8 of type
_STREAM_ID = struct.Struct("<I")  # the one little-endian field in RTMP (§5.3.1.2.5)
_TIME = struct.Struct(">I")


def message_header(csid: int, timestamp: int, type_id: int, stream_id: int, length: int) -> bytes:
    """Build a type 0 header: 12 bytes, or 16 with an extended timestamp (§5.3.1.2.1).

    Args:
        csid: chunk stream ID, 2 to 65599; above 63 the header is 1 or 2 bytes longer.
        timestamp: ms, below 2**32.
        type_id: message type.
        stream_id: message stream ID.
        length: bytes of payload in the whole message, below 2**24.
    """
    word, stream = length << 8 | type_id, _STREAM_ID.pack(stream_id)
    if csid < 64 and timestamp < EXTENDED:  # nearly always, and in a quarter of the time
        return _FIELDS.pack(csid << 24 | timestamp, word) + stream
    time = min(timestamp, EXTENDED)
    extension = _TIME.pack(timestamp) if time == EXTENDED else b""
    return _basic_header(0, csid) + _FIELDS.pack(time, word)[1:] + stream + extension


def continuation_header(csid: int, timestamp: int) -> bytes:
    """Build the type 3 header between two chunks of a message (§5.3.1.2.4)."""
    extension = _TIME.pack(timestamp) if timestamp >= EXTENDED else b""
    return _basic_header(3, csid) + extension


def encode(message: Message, csid: int, chunk_size: int) -> bytes:
    """Return the message as the bytes to send."""
    return b"".join(encode_parts(message, csid, chunk_size))


def encode_parts(message: Message, csid: int, chunk_size: int) -> list[bytes | memoryview]:
    """Return the message as a list for `writev`: headers, and views of the payload."""
    timestamp, type_id, stream_id, payload = message
    header = message_header(csid, timestamp, type_id, stream_id, len(payload))
    if len(payload) <= chunk_size:
        return [header, payload]
    between = continuation_header(csid, timestamp)
    view = memoryview(payload)
    parts: list[bytes | memoryview] = [header, view[:chunk_size]]
    for start in range(chunk_size, len(payload), chunk_size):
        parts += (between, view[start : start + chunk_size])
    return parts


def _basic_header(chunk_type: int, csid: int) -> bytes:
    """Chunk type and chunk stream ID in 1 to 3 bytes (§5.3.1.1)."""
    if csid < 64:
        return bytes((chunk_type << 6 | csid,))
    if csid < 320:
        return bytes((chunk_type << 6, csid - 64))
    return bytes((chunk_type << 6 | 1,)) + (csid - 64).to_bytes(2, "little")
