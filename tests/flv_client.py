"""A viewer over HTTP-FLV: one request on a plain socket, then tags.

with FlvClient(server, "/live/a.flv") as viewer:
    assert viewer.status == 200
    viewer.take(3)          # tags of the FLV file that never ends
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from typing import Self

from slipstream.media import FlvParser, FlvTag
from tests.server import PATIENCE_S, RunningServer
from tests.tls.stage import trusting_anybody

READ_BYTES = 1 << 18
STEP_S = 0.02  # from one reading to the next for those who crawl


class FlvClient:
    """Asks at once; the answer is read when it is looked at. Use it in a `with` statement.

    Args:
        server: to ask.
        path: with its query.
        method: of HTTP.
        receive_buffer: bytes that the kernel may hold for us, about; 0: what it likes.
        tls: whether to ask over HTTPS.
        bearer: the token to show.
    """

    def __init__(
        self,
        server: RunningServer,
        path: str,
        *,
        method: str = "GET",
        receive_buffer: int = 0,
        tls: bool = False,
        bearer: str = "",
    ) -> None:
        self.parser = FlvParser()
        self._tags: list[FlvTag] = []
        self._body = b""  # what came of it with the head
        self._head: tuple[int, dict[str, str]] | None = None
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect((server.host, server.https_port if tls else server.http_port))
        if tls:
            self.socket = trusting_anybody().wrap_socket(self.socket)
        shown = f"Authorization: Bearer {bearer}\r\n" if bearer else ""
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{shown}\r\n".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @property
    def status(self) -> int:
        """Of the answer, waited for."""
        return self._answer()[0]

    @property
    def headers(self) -> dict[str, str]:
        """Of the answer, waited for; names in lower case."""
        return self._answer()[1]

    def take(self, count: int) -> list[FlvTag]:
        """Wait for so many tags, and take them; fails when the response ends before."""
        self._answer()
        while len(self._tags) < count:
            assert self._read(), "the response has ended"
        taken, self._tags = self._tags[:count], self._tags[count:]
        return taken

    def take_what_is_there(self) -> list[FlvTag]:
        """Take the tags that have come by now."""
        self._answer()
        while select.select([self.socket], [], [], 0)[0] and self._read():
            pass
        taken, self._tags = self._tags, []
        return taken

    def text(self) -> str:
        """The body of an answer that is no stream."""
        wanted = int(self.headers["content-length"])
        while len(self._body) < wanted:
            self._body += self.socket.recv(READ_BYTES)
        return self._body.decode()

    def crawl(self, bytes_per_s: float, lasts: Callable[[], bool]) -> list[FlvTag]:
        """Take what comes, but read no faster than that, for as long as `lasts()`."""
        self._answer()
        started, got = time.monotonic(), 0
        while lasts():
            room = int((time.monotonic() - started) * bytes_per_s) - got
            if room > 0 and select.select([self.socket], [], [], STEP_S)[0]:
                data = self.socket.recv(room)
                got += len(data)
                self._tags += self.parser.receive_data(data)
            time.sleep(STEP_S)
        taken, self._tags = self._tags, []
        return taken

    def drain(self) -> list[FlvTag]:
        """Take all tags that come until the response ends."""
        self._answer()
        while self._read():
            pass
        taken, self._tags = self._tags, []
        return taken

    def _answer(self) -> tuple[int, dict[str, str]]:
        if self._head is None:
            data = b""
            while b"\r\n\r\n" not in data:
                more = self.socket.recv(READ_BYTES)
                assert more, "the server hung up without an answer"
                data += more
            head, _, body = data.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            fields = (line.partition(": ") for line in lines)
            self._head = int(first.split()[1]), {name.lower(): text for name, _, text in fields}
            self._body = body
            if self._head[0] == 200:
                self._tags += self.parser.receive_data(body)
        return self._head

    def _read(self) -> bool:
        data = self.socket.recv(READ_BYTES)
        self._tags += self.parser.receive_data(data)
        assert self.parser.error is None, self.parser.error
        return bool(data)
