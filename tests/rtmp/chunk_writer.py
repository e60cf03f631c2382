"""Chunks as a peer may write them: a second opinion on the wire format.

For the tests of the decoder. Nothing of the product's own encoder is in here, and all that
RTMP 1.0 §5.3 allows is: every header type, every form of csid, any interleaving.
"""

from __future__ import annotations

from random import Random

from slipstream.rtmp.messages import Message

SET_CHUNK_SIZE, ABORT, AUDIO, VIDEO = 1, 2, 8, 9


def basic_header(chunk_type: int, csid: int) -> bytes:
    if csid < 64:
        return bytes([chunk_type << 6 | csid])
    extra = 1 if csid < 320 else 2
    return bytes([chunk_type << 6 | extra - 1]) + (csid - 64).to_bytes(extra, "little")


def header(chunk_type: int, csid: int, time: int, message: Message) -> bytes:
    """A header of type 0, 1 or 2; `time` is a timestamp or a delta."""
    fields = min(time, 0xFFFFFF).to_bytes(3)
    if chunk_type <= 1:
        fields += len(message.payload).to_bytes(3) + bytes([message.type_id])
    if chunk_type == 0:
        fields += message.stream_id.to_bytes(4, "little")
    extension = time.to_bytes(4) if time >= 0xFFFFFF else b""
    return basic_header(chunk_type, csid) + fields + extension


def chunks(csid: int, message: Message, size: int = 128) -> list[bytes]:
    """One type 0 chunk, then type 3, extended times repeated."""
    time = message.timestamp
    extension = time.to_bytes(4) if time >= 0xFFFFFF else b""
    first, *rest = slices(message.payload, size)
    between = basic_header(3, csid) + extension
    return [header(0, csid, time, message) + first, *(between + piece for piece in rest)]


def slices(payload: bytes, size: int) -> list[bytes]:
    return [payload[i : i + size] for i in range(0, len(payload), size)] or [b""]


def wire(csid: int, message: Message, size: int = 128) -> bytes:
    return b"".join(chunks(csid, message, size))


def control(type_id: int, value: int) -> Message:
    return Message(0, type_id, 0, value.to_bytes(4))


class Peer:
    """Writes chunks as chance has it: any header that is legal, any interleaving."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.size = 128
        self.sent: list[Message] = []
        self.latest: dict[int, Message] = {}  # by csid, as all below
        self.delta: dict[int, int] = {}
        self.extension: dict[int, bytes] = {}
        self.rest: dict[int, bytes] = {}  # of the latest message, not sent yet

    def chunk(self) -> bytes:
        csid = self.random.choice([2, 3, 4, 63, 64, 320])
        head = self.begin(csid) if not self.rest.get(csid) else self.type_3(csid)
        piece, self.rest[csid] = self.rest[csid][: self.size], self.rest[csid][self.size :]
        if not self.rest[csid]:
            message = self.latest[csid]
            self.sent.append(message)
            if message.type_id == SET_CHUNK_SIZE:
                self.size = int.from_bytes(message.payload)
        return head + piece

    def type_3(self, csid: int) -> bytes:
        return basic_header(3, csid) + self.extension[csid]

    def begin(self, csid: int) -> bytes:
        random = self.random
        before = self.latest.get(csid, Message(0, SET_CHUNK_SIZE, 0, b""))
        may_inherit = before.type_id != SET_CHUNK_SIZE
        chunk_type = random.choice([0, 1, 2, 3] if may_inherit else [0, 1])
        time = random.choice([0, 40, 5000, 5001, 0xFFFFFF, 0xFFFFFFFF])
        if chunk_type == 3:
            time = self.delta[csid]
        if chunk_type >= 2:
            type_id, payload = before.type_id, random.randbytes(len(before.payload))
        elif random.random() < 0.1:
            type_id, payload = SET_CHUNK_SIZE, random.choice([1, 2, 100, 4096]).to_bytes(4)
        else:
            type_id, payload = VIDEO, random.randbytes(random.choice([0, 1, 127, 128, 129, 400]))
        message = Message(time, type_id, random.choice([0, 1, 1 << 31]), payload)
        if chunk_type:
            timestamp = (before.timestamp + time) % 2**32
            message = message._replace(timestamp=timestamp, stream_id=before.stream_id)
        self.latest[csid], self.rest[csid] = message, payload
        if chunk_type == 3:
            return self.type_3(csid)
        self.delta[csid] = 0 if chunk_type == 0 and time > 5000 else time
        self.extension[csid] = time.to_bytes(4) if time >= 0xFFFFFF else b""
        return header(chunk_type, csid, time, message)
