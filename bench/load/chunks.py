"""The RTMP chunk stream: messages into bytes, bytes into messages.

Source: "Adobe's Real Time Messaging Protocol" 1.0 (December 2012); "§" cites it. The writer does
what encoders do: a full header once per chunk stream, then deltas. The reader understands all
four headers, long chunk stream ids, interleaving and extended timestamps, and trusts its peer
for the rest: it has no limits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

DEFAULT_CHUNK_SIZE = 128  # bytes of payload per chunk, until Set Chunk Size (§5.4.1)
SET_CHUNK_SIZE, AUDIO, VIDEO, DATA, COMMAND = 1, 8, 9, 18, 20  # message type ids
EXTENDED = 0xFFFFFF  # in the time field: the next 4 bytes hold it instead (§5.3.1.3)
HEADER_SIZES = (11, 7, 3, 0)  # bytes, by chunk type (§5.3.1.2)
DELTA_HEADER_SIZE = 8  # bytes of a type 1 header with its one-byte basic header


class Message(NamedTuple):
    """One whole message. `timestamp` is in ms, modulo 2**32."""

    timestamp: int
    type_id: int
    stream_id: int
    payload: bytes


def build_message(csid: int, message: Message, chunk_size: int) -> bytes:
    """The chunks of a message, beginning with a full (type 0) header (§5.3.1.2.1)."""
    length, type_id = len(message.payload), message.type_id
    header = bytes((csid,)) + message.timestamp.to_bytes(3, "big") + length.to_bytes(3, "big")
    header += bytes((type_id,)) + message.stream_id.to_bytes(4, "little")
    return header + _build_payload(csid, message.payload, chunk_size)


def build_delta_message(
    csid: int, delta_ms: int, type_id: int, payload: bytes, chunk_size: int
) -> bytes:
    """The chunks of a later message of the same message stream, type 1 header (§5.3.1.2.2)."""
    header = bytes((0x40 | csid,)) + delta_ms.to_bytes(3, "big") + len(payload).to_bytes(3, "big")
    return header + bytes((type_id,)) + _build_payload(csid, payload, chunk_size)


def _build_payload(csid: int, payload: bytes, chunk_size: int) -> bytes:
    cuts = range(0, len(payload), chunk_size)
    return bytes((0xC0 | csid,)).join(payload[cut : cut + chunk_size] for cut in cuts)


class _Header(NamedTuple):
    """A message header with every field filled in, from the wire or from the chunk before."""

    time: int = 0  # ms: absolute in a type 0 chunk, otherwise a delta
    extended: bool = False  # the time took 4 more bytes, and will in each type 3 that follows
    length: int = 0
    type_id: int = 0
    stream_id: int = 0


NO_HEADER = _Header()


@dataclass(slots=True)
class _ChunkStream:
    """What the next chunk with the same chunk stream id builds on."""

    header: _Header = NO_HEADER
    timestamp: int = 0
    partial: bytearray = field(default_factory=bytearray)


class ChunkReader:
    """Gives the messages in the bytes that a peer sends."""

    def __init__(self) -> None:
        self._chunk_size = DEFAULT_CHUNK_SIZE
        self._streams: dict[int, _ChunkStream] = {}
        self._buffer = bytearray()

    def receive_data(self, data: bytes) -> list[Message]:
        """Take bytes, cut anywhere; return the messages that they complete."""
        self._buffer += data
        messages: list[Message] = []
        position = 0
        while (end := self._read_chunk(position, messages)) is not None:
            position = end
        del self._buffer[:position]
        return messages

    def _read_chunk(self, position: int, messages: list[Message]) -> int | None:
        """Read the chunk at `position`: where it ends, or None while it is not whole."""
        buffer = self._buffer
        if position >= len(buffer):
            return None
        chunk_type, csid = buffer[position] >> 6, buffer[position] & 0x3F
        header_at = position + {0: 2, 1: 3}.get(csid, 1)
        if header_at > len(buffer):
            return None
        if csid < 2:  # the id follows, little-endian, less 64 (§5.3.1.1)
            csid = 64 + int.from_bytes(buffer[position + 1 : header_at], "little")
        stream = self._streams.setdefault(csid, _ChunkStream())
        parsed = _read_header(buffer, header_at, chunk_type, stream.header)
        if parsed is None:
            return None
        header, payload_at = parsed
        end = payload_at + min(self._chunk_size, header.length - len(stream.partial))
        if end > len(buffer):
            return None
        if not stream.partial:
            base = 0 if chunk_type == 0 else stream.timestamp
            stream.timestamp = (base + header.time) % 2**32
        stream.header = header
        stream.partial += buffer[payload_at:end]
        if len(stream.partial) == header.length:
            messages.append(self._finish(stream))
        return end

    def _finish(self, stream: _ChunkStream) -> Message:
        header, payload = stream.header, bytes(stream.partial)
        stream.partial.clear()
        if header.type_id == SET_CHUNK_SIZE:
            self._chunk_size = int.from_bytes(payload[:4], "big")
        return Message(stream.timestamp, header.type_id, header.stream_id, payload)


def _read_header(
    buffer: bytearray, position: int, chunk_type: int, previous: _Header
) -> tuple[_Header, int] | None:
    """The message header at `position` and where it ends, or None while it is not whole."""
    size = HEADER_SIZES[chunk_type]
    extended = previous.extended
    if chunk_type < 3:
        extended = buffer[position : position + 3] == b"\xff\xff\xff"
    end = position + size + 4 * extended
    if end > len(buffer):
        return None
    if chunk_type == 3:
        return previous, end
    fields = bytes(buffer[position:end])
    header = previous._replace(
        time=int.from_bytes(fields[size:] if extended else fields[:3], "big"), extended=extended
    )
    if chunk_type < 2:
        length = int.from_bytes(fields[3:6], "big")
        header = header._replace(length=length, type_id=fields[6])
    if chunk_type == 0:
        header = header._replace(stream_id=int.from_bytes(fields[7:11], "little"))
    return header, end
