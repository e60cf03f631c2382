"""What is on its way to the peer: messages in, the bytes to send out.

All of it begins with type 0 headers, so it may be written between any two messages of a log
that goes to the same socket. Chunk stream IDs mean nothing to receivers; one for each kind
keeps them apart as Adobe's servers do.
"""

from __future__ import annotations

from slipstream.rtmp.chunk_decoder import DEFAULT_CHUNK_SIZE
from slipstream.rtmp.chunk_encoder import encode
from slipstream.rtmp.messages import Message, MessageType

OUT_CHUNK_SIZE = 60_000  # bytes; what SRS and ZLMediaKit use, and SRS warns above 65536

_CONTROL_CSID, _CALL_CSID, _STREAM_CSID = 2, 3, 5
_CSIDS = {MessageType.AUDIO: 4, MessageType.VIDEO: 6}


class Outbox:
    """Collects until `take()`.

    `unread` counts the bytes of answers that nobody has taken yet, so that a peer that makes us
    answer and does not read can be found out. `chunk_size` is what the peer has last been told.
    """

    __slots__ = ("_parts", "chunk_size", "unread")

    def __init__(self) -> None:
        self.unread = 0
        self.chunk_size = DEFAULT_CHUNK_SIZE
        self._parts: list[bytes] = []

    def put(self, message: Message) -> None:
        """Add an answer, in chunks."""
        data = encode(message, _csid(message), self.chunk_size)
        self._parts.append(data)
        self.unread += len(data)

    def put_media(self, message: Message) -> None:
        """Add what is no answer: whoever sends media looks after peers that do not read it."""
        self._parts.append(encode(message, _csid(message), self.chunk_size))

    def put_bytes(self, data: bytes) -> None:
        """Add what is no message: the handshake."""
        self._parts.append(data)

    def take(self) -> bytes:
        """Return all that is to be sent, and forget it."""
        if not self._parts:
            return b""
        data = b"".join(self._parts)
        self._parts.clear()
        self.unread = 0
        return data


def _csid(message: Message) -> int:
    if message.type_id < MessageType.AUDIO:
        return _CONTROL_CSID
    if message.type_id in _CSIDS:
        return _CSIDS[MessageType(message.type_id)]
    return _STREAM_CSID if message.stream_id else _CALL_CSID
