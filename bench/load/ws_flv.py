"""One viewer over WebSocket-FLV: an upgrade, then binary messages with the tags of a file.

A `Player` as `client.Client` is one. Frames as a server sends them (RFC 6455, 5.2): not masked;
of what else there is, as little as that takes.
"""

from __future__ import annotations

import socket

from .chunks import Message
from .client import TIMEOUT_S, ClientError, Target
from .flv import FlvReader
from .http_flv import END_OF_HEAD

BINARY = 0x82
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # any 16 bytes


class WsFlvReader:
    """Gives the messages in the bytes of a response."""

    def __init__(self) -> None:
        self._head: bytes | None = b""  # None: it has been read
        self._buffer = bytearray()
        self._flv = FlvReader()

    def receive_data(self, data: bytes) -> list[Message]:
        """Take bytes, cut anywhere; return the messages that they complete.

        Raises:
            ClientError: the server refused, or sends what is no binary message.
            ValueError: what is in it is no FLV.
        """
        if self._head is not None:
            head, end, data = (self._head + data).partition(END_OF_HEAD)
            if not end:
                self._head = head
                return []
            first = head.partition(b"\r\n")[0].decode("latin-1")
            if first.split()[1] != "101":
                raise ClientError(f"the server refused: {first}")
            self._head = None
        self._buffer += data
        return self._flv.receive_data(self._payloads())

    def _payloads(self) -> bytes:
        """What the whole frames carry that have come."""
        buffer, start, payloads = self._buffer, 0, []
        while len(buffer) >= start + 2:
            if buffer[start] != BINARY:
                raise ClientError(f"a frame that begins with {buffer[start]:#x}")
            size, head = buffer[start + 1], 2
            if size >= 126:
                head = 4 if size == 126 else 10
                size = int.from_bytes(buffer[start + 2 : start + head])
            if len(buffer) < start + head + size:
                break
            payloads.append(bytes(buffer[start + head : start + head + size]))
            start += head + size
        del buffer[:start]
        return b"".join(payloads)


class WsFlvClient:
    """Connects on construction; then `play(name)`."""

    def __init__(self, target: Target) -> None:
        self.reader = WsFlvReader()
        self._target = target
        self.socket = socket.create_connection((target.host, target.http_port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def play(self, name: str) -> None:
        """Ask for `name`; does not wait for the answer, which is followed by media."""
        target = self._target
        self.socket.sendall(
            f"GET /{target.app}/{name}.flv HTTP/1.1\r\n"
            f"Host: {target.host}:{target.http_port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode()
        )

    def close(self) -> None:
        self.socket.close()
