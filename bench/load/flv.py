"""An FLV file that never ends: bytes into the messages that its tags carry.

Source: "Adobe Flash Video File Format Specification" 10.1, annex E; "§" cites it. A tag's body is
that of the RTMP message of the same type, so what comes out is what `chunks` gives for the same
stream. After each tag stands its size again, which is checked: a byte too few or too many in
a stream cannot go unnoticed.
"""

from __future__ import annotations

from .chunks import Message

SIGNATURE = b"FLV\x01"
HEADER_SIZE = 9  # bytes (§E.2); the size of a tag before the first one, 0, follows
TAG_HEADER_SIZE = 11  # bytes (§E.4.1)
BACK_POINTER_SIZE = 4  # bytes (§E.3)
FILTERED = 0x20  # in a tag's first byte: it is encrypted (§E.4.1)


class FlvReader:
    """Gives the messages in the bytes of a file."""

    def __init__(self) -> None:
        self._begun = False
        self._buffer = bytearray()

    def receive_data(self, data: bytes) -> list[Message]:
        """Take bytes, cut anywhere; return the messages of the tags that they complete.

        Raises:
            ValueError: this is no FLV, or something is missing in it.
        """
        self._buffer += data
        position = 0 if self._begun else self._read_header()
        messages = []
        while (found := self._read_tag(position)) is not None:
            message, position = found
            messages.append(message)
        del self._buffer[:position]
        return messages

    def _read_header(self) -> int:
        """Where the first tag begins; 0 while that is not known."""
        buffer = self._buffer
        if len(buffer) < HEADER_SIZE + BACK_POINTER_SIZE:
            return 0
        header, back = bytes(buffer[:HEADER_SIZE]), buffer[HEADER_SIZE:][:BACK_POINTER_SIZE]
        if not header.startswith(SIGNATURE) or header[5:] != b"\0\0\0\x09" or any(back):
            raise ValueError(f"an FLV file begins with {header.hex()}, then {back.hex()}")
        self._begun = True
        return HEADER_SIZE + BACK_POINTER_SIZE

    def _read_tag(self, position: int) -> tuple[Message, int] | None:
        """The tag at `position` and where it ends, or None while it is not whole."""
        buffer = self._buffer
        body_at = position + TAG_HEADER_SIZE
        if not self._begun or body_at > len(buffer):
            return None
        header = buffer[position:body_at]
        body_end = body_at + int.from_bytes(header[1:4], "big")
        end = body_end + BACK_POINTER_SIZE
        if end > len(buffer):
            return None
        size, said = body_end - position, int.from_bytes(buffer[body_end:end], "big")
        if said != size or header[0] & FILTERED:
            raise ValueError(f"an FLV tag of {size} bytes, which says {said}: {header.hex()}")
        timestamp = int.from_bytes(header[7:8] + header[4:7], "big")  # its highest byte comes last
        body = bytes(buffer[body_at:body_end])
        return Message(timestamp, header[0], 0, body), end
