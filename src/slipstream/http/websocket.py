"""What a WebSocket server reads and answers (RFC 6455), without a socket.

The library that serves our HTTP has WebSockets of its own; but a viewer's socket is taken away
from it, and what is left is to answer pings and to notice that somebody leaves.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from enum import IntEnum
from struct import Struct

from slipstream.errors import SlipstreamError
from slipstream.formats import message_header

MAX_MESSAGE = 16 << 10  # bytes, from a client
MAX_CONTROL = 125
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FIN = 0x80
_RESERVED = 0x70
_MASKED = 0x80
_16, _64 = Struct(">H"), Struct(">Q")


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class CloseCode(IntEnum):
    """Why a connection ends."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    TOO_BIG = 1009
    TRY_AGAIN_LATER = 1013


class WebSocketError(SlipstreamError):
    """A client that does not keep to the protocol, or to our limits."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def accept(headers: Mapping[str, str]) -> str:
    """The `Sec-WebSocket-Accept` for a request.

    Raises:
        WebSocketError: it is no request for a WebSocket of version 13.
    """
    if headers.get("Sec-WebSocket-Version", "").strip() != "13":
        raise WebSocketError(CloseCode.PROTOCOL_ERROR, "Sec-WebSocket-Version is not 13")
    key = headers.get("Sec-WebSocket-Key", "").strip()
    try:
        valid = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise WebSocketError(CloseCode.PROTOCOL_ERROR, "Sec-WebSocket-Key is not 16 bytes")
    return base64.b64encode(
        hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    ).decode()


def build_control(opcode: Opcode, payload: bytes = b"") -> bytes:
    """A control frame; a longer payload than it may have is cut."""
    payload = payload[:MAX_CONTROL]
    return message_header(len(payload), _FIN | opcode) + payload


def build_close(code: CloseCode, reason: str = "") -> bytes:
    """A close frame."""
    text = reason.encode()[: MAX_CONTROL - 2].decode(errors="ignore")
    return build_control(Opcode.CLOSE, _16.pack(code) + text.encode())


class ControlReader:
    """Finds the control frames in what a client sends; what else it says is passed over."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skip = 0  # bytes of a data frame's payload that are yet to come
        self._message = 0  # bytes of the data message under way
        self._under_way = False

    def feed(self, data: bytes) -> Iterator[tuple[Opcode, bytes]]:
        """Take bytes; yield the control frames that they complete.

        Raises:
            WebSocketError: the connection is to be closed with its code.
        """
        self._buffer += data
        while self._buffer:
            if self._skip:
                count = min(self._skip, len(self._buffer))
                del self._buffer[:count]
                self._skip -= count
                continue
            frame = self._frame()
            if frame is None:
                return
            opcode, payload = frame
            if opcode >= Opcode.CLOSE:
                yield opcode, payload

    def _frame(self) -> tuple[Opcode, bytes] | None:
        """The next frame, of a data frame only its opcode; None if more has to come."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        opcode = self._opcode(first, second)
        size, start = second & 0x7F, 2
        if size == 126:
            start = 4
        elif size == 127:
            start = 10
        if len(buffer) < start + 4:
            return None
        if start > 2:
            size = int.from_bytes(buffer[2:start])
        if opcode < Opcode.CLOSE:
            self._note_data(opcode, size, last=bool(first & _FIN))
            del buffer[: start + 4]
            self._skip = size
            return opcode, b""
        if len(buffer) < start + 4 + size:
            return None
        mask = buffer[start : start + 4]
        masked = buffer[start + 4 : start + 4 + size]
        del buffer[: start + 4 + size]
        return opcode, bytes(octet ^ mask[index & 3] for index, octet in enumerate(masked))

    @staticmethod
    def _opcode(first: int, second: int) -> Opcode:
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "an unknown opcode") from None
        if first & _RESERVED:
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a reserved bit is set")
        if not second & _MASKED:
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a frame is not masked")
        if opcode >= Opcode.CLOSE and (second & 0x7F > MAX_CONTROL or not first & _FIN):
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a control frame is long or in parts")
        return opcode

    def _note_data(self, opcode: Opcode, size: int, *, last: bool) -> None:
        if (opcode == Opcode.CONTINUATION) != self._under_way:
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a message inside another")
        self._message += size
        if self._message > MAX_MESSAGE:
            raise WebSocketError(CloseCode.TOO_BIG, f"a message above {MAX_MESSAGE} bytes")
        self._under_way = not last
        if last:
            self._message = 0
