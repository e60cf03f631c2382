"""RTMP messages: what chunks carry, and the control messages in both directions.

A message is a timestamp, a type, a message stream and a payload. The control messages
(types 1 to 6) have payloads of a few fixed bytes, built and parsed here; commands, data and
media are read elsewhere.

Source: RTMP 1.0 §5.4 (protocol control), §6.2 and §7.1.7 (user control); "§" cites it.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

from slipstream.errors import ChunkError, CommandError

MAX_CHUNK_SIZE = 0x7FFFFFFF  # bytes; the top bit of the field must be zero (§5.4.1)


class Message(NamedTuple):
    """One whole message (§6.1)."""

    timestamp: int  # ms, wraps at 2**32
    type_id: int  # a MessageType, or a number we do not know
    stream_id: int  # 0: the connection itself
    payload: bytes


class MessageType(IntEnum):
    """What a payload is (§5.4, §7.1)."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW_ACK_SIZE = 5
    SET_PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    SHARED_OBJECT_AMF3 = 16
    COMMAND_AMF3 = 17
    DATA = 18
    SHARED_OBJECT = 19
    COMMAND = 20
    AGGREGATE = 22


class BandwidthLimit(IntEnum):
    """How strictly a Set Peer Bandwidth is meant (§5.4.5)."""

    HARD = 0
    SOFT = 1
    DYNAMIC = 2


class UserEvent(IntEnum):
    """What a user control message tells (§7.1.7; 31 and 32 are undocumented, Adobe's)."""

    STREAM_BEGIN = 0
    STREAM_EOF = 1
    STREAM_DRY = 2
    SET_BUFFER_LENGTH = 3
    STREAM_IS_RECORDED = 4
    PING_REQUEST = 6
    PING_RESPONSE = 7
    SWF_VERIFY_REQUEST = 26
    SWF_VERIFY_RESPONSE = 27
    BUFFER_EMPTY = 31
    BUFFER_READY = 32


EVENT_VALUES: dict[
    int, int
] = {  # how many u32 follow the event; those not listed carry none that we read
    UserEvent.STREAM_BEGIN: 1,
    UserEvent.STREAM_EOF: 1,
    UserEvent.STREAM_DRY: 1,
    UserEvent.SET_BUFFER_LENGTH: 2,
    UserEvent.STREAM_IS_RECORDED: 1,
    UserEvent.PING_REQUEST: 1,
    UserEvent.PING_RESPONSE: 1,
    UserEvent.BUFFER_EMPTY: 1,
    UserEvent.BUFFER_READY: 1,
}


class PeerBandwidth(NamedTuple):
    """The peer wants no more than `window` bytes unacknowledged (§5.4.5)."""

    window: int  # bytes
    limit: int  # a BandwidthLimit, or a number we do not know


class UserControl(NamedTuple):
    """An event and its numbers: a message stream, or a time in ms, or both (§7.1.7)."""

    event: int  # a UserEvent, or a number we do not know
    values: tuple[int, ...]


def build_set_chunk_size(chunk_size: int) -> Message:
    """Our chunks after this message carry up to `chunk_size` bytes (§5.4.1)."""
    return _control(MessageType.SET_CHUNK_SIZE, chunk_size.to_bytes(4))


def build_abort(chunk_stream_id: int) -> Message:
    """The message half sent on this chunk stream will not be finished (§5.4.2)."""
    return _control(MessageType.ABORT, chunk_stream_id.to_bytes(4))


def build_acknowledgement(bytes_received: int) -> Message:
    """So many bytes have come since the connection began; wraps at 2**32 (§5.4.3)."""
    return _control(MessageType.ACKNOWLEDGEMENT, (bytes_received % 2**32).to_bytes(4))


def build_window_ack_size(window: int) -> Message:
    """The peer shall acknowledge after every `window` bytes of ours (§5.4.4)."""
    return _control(MessageType.WINDOW_ACK_SIZE, window.to_bytes(4))


def build_set_peer_bandwidth(
    window: int, limit: BandwidthLimit = BandwidthLimit.DYNAMIC
) -> Message:
    """The peer shall keep at most `window` bytes unacknowledged (§5.4.5)."""
    return _control(MessageType.SET_PEER_BANDWIDTH, struct.pack(">IB", window, limit))


def build_user_control(event: UserEvent, *values: int) -> Message:
    """An event with its u32 numbers (§7.1.7)."""
    return _control(MessageType.USER_CONTROL, struct.pack(f">H{len(values)}I", event, *values))


def parse_control_number(message: Message) -> int:
    """Read the one u32 of types 1, 2, 3 and 5.

    Raises:
        ChunkError: the payload is not four bytes.
    """
    if len(message.payload) != 4:
        name = MessageType(message.type_id).name
        raise ChunkError(f"{name} of {len(message.payload)} bytes, expected 4")
    return int.from_bytes(message.payload)


def parse_set_peer_bandwidth(message: Message) -> PeerBandwidth:
    """Read a Set Peer Bandwidth.

    Raises:
        ChunkError: the payload is not five bytes.
    """
    if len(message.payload) != 5:
        raise ChunkError(f"SET_PEER_BANDWIDTH of {len(message.payload)} bytes, expected 5")
    return PeerBandwidth(int.from_bytes(message.payload[:4]), message.payload[4])


def parse_user_control(message: Message) -> UserControl:
    """Read an event. Unknown ones come out without numbers, as everyone ignores them.

    Raises:
        CommandError: the payload is too short for its event.
    """
    payload = message.payload
    event = int.from_bytes(payload[:2])
    count = EVENT_VALUES.get(event, 0)
    if len(payload) < 2 + 4 * count:
        raise CommandError(f"user control {event} of {len(payload)} bytes")
    return UserControl(event, struct.unpack_from(f">{count}I", payload, 2))


def _control(type_id: MessageType, payload: bytes) -> Message:
    """Timestamp 0 on message stream 0: control belongs to the connection (§5.4)."""
    return Message(0, type_id, 0, payload)
