"""Aggregate messages: several audio, video and data messages in one.

Flash Media Server and relays built on it send them to players; encoders practically never. The
payload is a row of FLV tags without the file header, each followed by its own size.

Source: RTMP 1.0 §7.1.6, whose "header as in §6.1" is the FLV tag header in truth.
"""

from __future__ import annotations

import struct

from slipstream.errors import ChunkError
from slipstream.rtmp.messages import Message, MessageType

MAX_PARTS = 256  # a publisher at 60 frames a second fills one in two seconds
BACK_POINTER = 4  # bytes behind each tag
CLOCK = 2**32  # ms; timestamps wrap here

_TAG_HEADER = struct.Struct(">IIHB")  # type and size; time, low 24 bits first; stream ID


def split_aggregate(message: Message) -> list[Message]:
    """Return the messages in an aggregate, at times counted from the aggregate's own.

    The first part takes the aggregate's timestamp, the others keep their distance from it.
    The last back pointer may be missing.

    Raises:
        ChunkError: the payload is cut, has too many parts, or an aggregate inside.
    """
    payload, position = message.payload, 0
    parts: list[Message] = []
    first_time = 0
    while position < len(payload):
        if len(parts) == MAX_PARTS:
            raise ChunkError(f"aggregate of more than {MAX_PARTS} messages")
        start = position + _TAG_HEADER.size
        if start > len(payload):
            raise ChunkError(f"aggregate of {len(payload)} bytes ends in a header")
        type_and_size, time, _, _ = _TAG_HEADER.unpack_from(payload, position)
        type_id, size = type_and_size >> 24, type_and_size & 0xFFFFFF
        if type_id == MessageType.AGGREGATE:
            raise ChunkError("aggregate inside an aggregate")
        end = start + size
        if end > len(payload):
            raise ChunkError(f"aggregate of {len(payload)} bytes, part up to {end}")
        time = (time & 0xFF) << 24 | time >> 8
        if not parts:
            first_time = time
        timestamp = (message.timestamp + time - first_time) % CLOCK
        parts.append(Message(timestamp, type_id, message.stream_id, payload[start:end]))
        position = end + BACK_POINTER
    return parts
