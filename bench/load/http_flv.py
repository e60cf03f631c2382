"""One viewer over HTTP-FLV: a request, a response's head, then a file that never ends.

A `Player` as `client.Client` is one. The head is read by whoever reads the media, as its first
bytes; HTTP/1.1 (RFC 9112), as little of it as that takes.
"""

from __future__ import annotations

import socket

from .chunks import Message
from .client import TIMEOUT_S, ClientError, Target
from .flv import FlvReader

END_OF_HEAD = b"\r\n\r\n"


class HttpFlvReader:
    """Gives the messages in the bytes of a response."""

    def __init__(self) -> None:
        self._head: bytes | None = b""  # None: it has been read
        self._flv = FlvReader()

    def receive_data(self, data: bytes) -> list[Message]:
        """Take bytes, cut anywhere; return the messages that they complete.

        Raises:
            ClientError: the server refused, or answers in a way that is not read here.
            ValueError: what comes is no FLV.
        """
        if self._head is not None:
            head, end, data = (self._head + data).partition(END_OF_HEAD)
            if not end:
                self._head = head
                return []
            _raise_if_refused(head.decode("latin-1"))
            self._head = None
        return self._flv.receive_data(data)


def _raise_if_refused(head: str) -> None:
    first, *fields = head.split("\r\n")
    if first.split()[1] != "200":
        raise ClientError(f"the server refused: {first}")
    if any(field.lower().startswith("transfer-encoding:") for field in fields):
        raise ClientError("the response is chunked, which is not read here")


class HttpFlvClient:
    """Connects on construction; then `play(name)`.

    Args:
        target: whom to ask.
        extension: of what is asked for; nothing but FLV can be read.
    """

    def __init__(self, target: Target, extension: str = "flv") -> None:
        self._extension = extension
        self.reader = HttpFlvReader()
        self._target = target
        self.socket = socket.create_connection((target.host, target.http_port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def play(self, name: str) -> None:
        """Ask for `name`; does not wait for the answer, which is followed by media."""
        target = self._target
        self.socket.sendall(
            f"GET /{target.app}/{name}.{self._extension} HTTP/1.1\r\n"
            f"Host: {target.host}:{target.http_port}\r\n\r\n".encode()
        )

    def close(self) -> None:
        self.socket.close()
