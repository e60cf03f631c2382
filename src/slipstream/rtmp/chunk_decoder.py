"""The RTMP chunk stream, receiving side: bytes in, whole messages out.

A chunk is a header of 1 to 18 bytes and one slice of one message. Slices of several
messages interleave, and a header says only what changed since the previous chunk with the
same chunk stream ID (csid). Remembering that, and joining the slices, is all that is done
here: what a message means is read elsewhere, but for the two kinds that steer the chunks.

Source: RTMP 1.0 §5.3 and §5.4, "§" cites it; where peers differ, what they send is noted.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from slipstream.errors import ChunkError
from slipstream.rtmp.messages import MAX_CHUNK_SIZE, Message, parse_control_number

DEFAULT_CHUNK_SIZE = 128  # bytes of payload per chunk, until Set Chunk Size (§5.4.1)
MAX_MESSAGE_SIZE = 0xFFFFFF  # bytes, of any message; larger chunk sizes mean this (§5.4.1)
MESSAGE_HEADER_SIZES = (11, 7, 3, 0)  # bytes, by chunk type (§5.3.1.2)
EXTENDED = 0xFFFFFF  # in the 3-byte time field: "read the next 4 bytes instead" (§5.3.1.3)
CLOCK = 2**32  # ms; timestamps wrap here, every 49.7 days (§4)
SET_CHUNK_SIZE, ABORT = 1, 2  # plain ints: comparing with an IntEnum's member takes 5x as long

# A type 3 chunk that begins a message right after a type 0 adds the type 0's own timestamp
# (§5.3.1.2.4): FFmpeg, SRS and FMLE mean it so. librtmp and nginx-rtmp mean "the same time
# again". A step larger than this is the latter.
MAX_FIRST_DELTA = 5_000  # ms

MAX_DROPPED_MESSAGES = 3  # half received, then begun anew; one more, and the peer is lost

# Most chunks looked at in one go: 32 KiB at the default chunk size. It bounds what has been
# done for nothing when the look finds another chunk stream among them.
RUN = 256

# The beginning of an ordinary message no longer than this waits for the rest of it, and is read
# once more then: that is dearer only for a peer that sends less than 100 bytes at a time.
MAX_TAIL = 16 << 10  # bytes

_U32 = struct.Struct(">I")  # an extended time; or a byte to mask and u24; or u24 and u8
_unpack_type_1 = struct.Struct(">BBHHBB").unpack_from  # basic, u24 time, u24 length, type
_STREAM_ID = struct.Struct("<I")  # the one little-endian field in RTMP (§5.3.1.2.5)
_new_tuple = tuple.__new__  # a NamedTuple's own constructor takes twice as long


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """What one peer may make us hold and do.

    Args:
        max_message_size: bytes in one message.
        max_unfinished_bytes: bytes received of messages that are not whole yet, on all chunk
            streams together. Nothing is allocated from a length that was only declared.
        max_chunk_streams: csids in use; each costs about 500 bytes.
        max_chunks_per_second: bounds the CPU that tiny chunks can cost.
    """

    max_message_size: int
    max_unfinished_bytes: int
    max_chunk_streams: int
    max_chunks_per_second: int


UNAUTHORISED = ChunkLimits(64 << 10, 128 << 10, 16, 5_000)
PUBLISHER = ChunkLimits(8 << 20, 12 << 20, 64, 50_000)


@dataclass(slots=True)
class _ChunkStream:
    """What the next chunk with the same csid builds on."""

    marker: bytes  # its type 3 header, if that is a single byte; otherwise nothing
    timestamp: int = 0  # ms, of the latest message
    delta: int = 0  # ms, that a type 3 chunk adds when it begins a message
    extended: int | None = None  # the 4-byte time of the latest header, if it had one
    length: int = 0  # bytes in the whole message
    type_id: int = 0
    stream_id: int = 0
    partial: bytearray = field(default_factory=bytearray)  # the payload so far; empty between

    def set_time(self, timestamp: int, stream_id: int) -> None:
        """Begin a message with a type 0 chunk."""
        self.timestamp, self.stream_id = timestamp, stream_id
        self.delta = timestamp if timestamp <= MAX_FIRST_DELTA else 0

    def add_time(self, delta: int) -> None:
        """Begin a message with any other chunk. Backward steps come as 2**32 - n (librtmp)."""
        self.timestamp = (self.timestamp + delta) % CLOCK
        self.delta = delta


class ChunkDecoder:
    """Reassembles the messages of one direction of one connection.

    Give `receive_data()` whatever the socket gave, cut anywhere. A message of 1.6 KB takes 3.0 us
    at chunk size 4096 and 5.3 us at 128, four to a read, on a machine that takes 0.6 us to build
    a NamedTuple of four; 2.4 MB in chunks of one byte take 0.05 s (bench/micro/chunk_decoder.py).

    Args:
        limits: may be replaced at any time; what has been received already stays.
    """

    def __init__(self, *, limits: ChunkLimits = UNAUTHORISED) -> None:
        self.limits = limits
        self.error: ChunkError | None = None  # set once; the decoder is spent then
        self.dropped_messages = 0  # half received, then begun anew by the peer
        self.chunk_size = DEFAULT_CHUNK_SIZE  # bytes
        self._streams: dict[int, _ChunkStream] = {}
        self._stream = _ChunkStream(b"")  # the one that the latest chunk belongs to
        self._chunk_left = 0  # bytes of that chunk still to come
        self._tail = (
            b""  # what the end of the last read has cut: a header or, up to MAX_TAIL, a message
        )
        self._unfinished = 0  # bytes, in all the partial messages
        self._second = 0.0  # when the chunks below began to be counted
        self._chunks = 0

    def receive_data(self, data: bytes | bytearray | memoryview, now: float = 0.0) -> list[Message]:
        """Return the messages that these bytes complete.

        Set Chunk Size and Abort take effect before the next chunk is read, as §5.4 demands,
        and are returned like any other message. What was whole before a violation is
        returned too: the violation is kept in `error`, and raised by the next call.

        Args:
            data: not kept beyond the call.
            now: seconds, of a clock that never goes back. Without one, all chunks that ever
                come count as those of one second.

        Raises:
            ChunkError: the bytes before these broke §5.3, or passed a limit.
        """
        if self.error is not None:
            raise self.error
        if now - self._second >= 1:
            self._second, self._chunks = now, 0
        messages: list[Message] = []
        # A read into a shared buffer is copied here once, and only here: 0.1 us, while to slice
        # its memoryview takes 0.3 us more for each message than to slice bytes.
        buffer = self._tail + data
        try:
            position = self._finish_chunk(buffer, messages) if self._chunk_left else 0
            while position >= 0:
                start, ordinary = self._take_whole_messages(buffer, position, messages)
                position = -1 if ordinary else self._take_chunk(buffer, start, messages)
            self._tail = buffer[start:]
        except ChunkError as error:
            self.error = error
        return messages

    def _take_whole_messages(
        self, buffer: bytes, position: int, messages: list[Message]
    ) -> tuple[int, bool]:
        """Take ordinary messages, each whole and in one piece: nearly all of nearly all peers.

        Return where something else begins, and whether that is only the beginning of one more,
        best looked at again when more has come. The general way below gives the same.
        """
        streams, size, here, limits = self._streams, self.chunk_size, len(buffer), self.limits
        longest = min(limits.max_message_size, limits.max_unfinished_bytes - self._unfinished)
        while position + 12 <= here:
            first, high, low, long, short, type_id = _unpack_type_1(buffer, position)
            stream = streams.get(first & 0x3F)  # of a longer csid: 0 or 1, which never is there
            if first >= 0x80 or stream is None or stream.partial:
                return position, False
            time, length, chunks = high << 16 | low, long << 8 | short, 1
            if time == EXTENDED or type_id <= ABORT or length > longest:
                return position, False
            start = position + (8 if first & 0x40 else 12)
            end = start + length
            if length > size:
                chunks += (length - 1) // size
                end += chunks - 1
                if chunks > RUN or buffer[start + size : end : size + 1].strip(stream.marker):
                    return position, False
            if end > here or self._chunks + chunks > limits.max_chunks_per_second:
                return position, end > here and length <= MAX_TAIL
            self._chunks += chunks
            if first & 0x40:  # what add_time() and set_time() do, without the 0.1 us of a call
                stream.delta, time = time, (stream.timestamp + time) % CLOCK
            else:
                stream.delta = time if time <= MAX_FIRST_DELTA else 0
                stream.stream_id = _STREAM_ID.unpack_from(buffer, start - 4)[0]
            stream.timestamp, stream.extended = time, None
            stream.length, stream.type_id = length, type_id
            payload = buffer[start:end]
            if chunks > 1:
                payload = _without_headers(payload, size)
            messages.append(_new_tuple(Message, (time, type_id, stream.stream_id, payload)))
            position = end
        return position, position == here

    def _take_chunk(self, buffer: bytes, position: int, messages: list[Message]) -> int:
        """Take one chunk, or several of one message. Return where the next begins, -1 if cut."""
        first = buffer[position]
        chunk_type, csid, fields = first >> 6, first & 0x3F, position + 1
        if csid < 2:  # too big for 6 bits: less 64, in the next byte or two (§5.3.1.1)
            fields += 1 + csid
            if fields > len(buffer):
                return -1
            csid = 64 + int.from_bytes(buffer[position + 1 : fields], "little")
        stream = self._stream = self._streams.get(csid) or self._new_stream(chunk_type, csid)
        if chunk_type == 3:
            start = self._go_on(buffer, stream, fields)
        else:
            start = self._begin_message(buffer, stream, chunk_type, fields)
        return start if start < 0 else self._take_payload(buffer, start, messages)

    def _begin_message(
        self, buffer: bytes, stream: _ChunkStream, chunk_type: int, fields: int
    ) -> int:
        """Read the message header of a type 0, 1 or 2. Return where the payload starts."""
        start = fields + MESSAGE_HEADER_SIZES[chunk_type]
        if start > len(buffer):
            return -1
        # Each lower type carries what the one above it does, and more (§5.3.1.2).
        time = extended = _U32.unpack_from(buffer, fields - 1)[0] & 0xFFFFFF
        length, type_id = stream.length, stream.type_id
        if chunk_type <= 1:
            word = _U32.unpack_from(buffer, fields + 3)[0]
            length, type_id = word >> 8, word & 0xFF
        if time == EXTENDED:
            start += 4
            if start > len(buffer):
                return -1
            time = extended = _U32.unpack_from(buffer, start - 4)[0]

        # The header is whole. Nothing above changed anything; from here on it does.
        if stream.partial:
            self._drop_partial(stream, length)
        if length > self.limits.max_message_size:
            raise ChunkError(f"message of {length} bytes, limit {self.limits.max_message_size}")
        if chunk_type == 0:
            stream.set_time(time, _STREAM_ID.unpack_from(buffer, fields + 7)[0])
        else:
            stream.add_time(time)
        stream.extended = extended if extended >= EXTENDED else None
        stream.length, stream.type_id = length, type_id
        return start

    def _go_on(self, buffer: bytes, stream: _ChunkStream, start: int) -> int:
        """Read what a type 3 header may have behind it. Return where the payload starts."""
        begins = not stream.partial
        if stream.extended is not None:
            timestamp = (stream.timestamp + stream.delta * begins) % CLOCK
            start = _skip_repeated_time(buffer, start, stream.extended, timestamp)
        if begins and start >= 0:
            stream.add_time(stream.delta)
        return start

    def _take_payload(self, buffer: bytes, start: int, messages: list[Message]) -> int:
        """Take what is here of a message, beginning in one of its chunks; return its end."""
        stream, size = self._stream, self.chunk_size
        wanted = stream.length - len(stream.partial)
        if wanted <= size or stream.extended is not None or not stream.marker:
            payload = buffer[start : start + min(wanted, size)]
            taken, chunks = len(payload), 1
        else:
            # All its chunks that are here, up to the first header that is not its own.
            most = min(wanted + (wanted - 1) // size, RUN * (size + 1) - 1)
            payload = buffer[start : start + most]
            headers = payload[size :: size + 1]
            chunks = 1 + len(headers) - len(headers.lstrip(stream.marker))
            payload = payload[: chunks * (size + 1) - 1]
            taken = len(payload)
            payload = _without_headers(payload, size)
        self._chunks += chunks
        if self._chunks > self.limits.max_chunks_per_second:
            raise ChunkError(f"more than {self.limits.max_chunks_per_second} chunks a second")
        self._chunk_left = min(size - taken % (size + 1), wanted - len(payload))
        self._keep(payload, messages)
        return start + taken

    def _finish_chunk(self, buffer: bytes, messages: list[Message]) -> int:
        """Take the rest of the chunk that the end of the last read cut; return its end."""
        payload = buffer[: self._chunk_left]
        self._chunk_left -= len(payload)
        self._keep(payload, messages)
        return len(payload)

    def _keep(self, payload: bytes, messages: list[Message]) -> None:
        """Add to the current chunk stream's message; deliver the message when it is whole."""
        stream = self._stream
        self._unfinished += len(payload)
        if self._unfinished > self.limits.max_unfinished_bytes:
            limit = self.limits.max_unfinished_bytes
            raise ChunkError(f"more than {limit} bytes of unfinished messages")
        if stream.partial or len(payload) < stream.length:
            stream.partial += payload
            if len(stream.partial) < stream.length:
                return
            payload = bytes(stream.partial)
        self._forget_partial(stream, len(payload))
        message = Message(stream.timestamp, stream.type_id, stream.stream_id, payload)
        messages.append(message)
        self._obey(message)

    def _obey(self, message: Message) -> None:
        """Apply the two messages that change how the bytes after them are read (§5.4)."""
        if message.type_id == SET_CHUNK_SIZE:
            chunk_size = parse_control_number(message)
            if not 1 <= chunk_size <= MAX_CHUNK_SIZE:
                raise ChunkError(f"chunk size {chunk_size}, expected 1 to {MAX_CHUNK_SIZE}")
            self.chunk_size = min(chunk_size, MAX_MESSAGE_SIZE)
        elif message.type_id == ABORT:
            stream = self._streams.get(parse_control_number(message))
            if stream is not None:
                self._forget_partial(stream, len(stream.partial))

    def _new_stream(self, chunk_type: int, csid: int) -> _ChunkStream:
        # §5.3.1.2.1 wants type 0 here, but librtmp opens csid 2 with a type 1.
        if chunk_type > 1:
            raise ChunkError(f"chunk stream {csid} opens with type {chunk_type}")
        if len(self._streams) >= self.limits.max_chunk_streams:
            raise ChunkError(f"more than {self.limits.max_chunk_streams} chunk streams")
        stream = self._streams[csid] = _ChunkStream(bytes((0xC0 | csid,)) if csid < 64 else b"")
        return stream

    def _drop_partial(self, stream: _ChunkStream, length: int) -> None:
        """Forget a message in whose middle another begins; §5.3 does not say what to do."""
        if length != stream.length:
            raise ChunkError(f"length {length} in the middle of a message of {stream.length}")
        self.dropped_messages += 1
        if self.dropped_messages > MAX_DROPPED_MESSAGES:
            raise ChunkError(f"more than {MAX_DROPPED_MESSAGES} messages begun anew")
        self._forget_partial(stream, len(stream.partial))

    def _forget_partial(self, stream: _ChunkStream, size: int) -> None:
        stream.partial.clear()
        self._unfinished -= size


def _without_headers(chunks: bytes, size: int) -> bytes:
    """Take out the single byte after every `size` bytes: 2 us for 13 chunks, joining them 4."""
    joined = bytearray(chunks)
    del joined[size :: size + 1]
    return bytes(joined)


def _skip_repeated_time(buffer: bytes, start: int, extended: int, timestamp: int) -> int:
    """Return where the payload starts behind a type 3 header; -1 while that is still open.

    An extended time is repeated here (§5.3.1.3), but librtmp before 2015 and its heirs leave
    it out, and some write the absolute time where a delta was extended. So: look. Payload is
    taken for a time once in 2**32. Where a read ends must not change the answer, so four bytes
    are waited for as long as those that are here could be the beginning of a time.
    """
    seen = buffer[start : start + 4]
    for time in (extended, timestamp):
        repeated = _U32.pack(time)
        if seen == repeated:
            return start + 4
        if repeated.startswith(seen):
            return -1
    return start
