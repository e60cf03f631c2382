"""Servers that are pushed to, in threads of this process: good ones, slow ones, flapping ones.

with Target() as target:
    ... push to target.url("live/a") ...
    target.wait_for(lambda: len(target.messages) >= 10)
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import Self

from slipstream.rtmp import (
    ConnectRequested,
    Event,
    MediaReceived,
    Message,
    PublishRequested,
    ServerConnection,
)
from tests.server import wait_until


class Target:
    """Accepts whoever publishes, one after the other or at once, and keeps what they send.

    Attributes:
        messages: of media, of all connections.
        connections: how many there have been.
        left: how many of them have ended.
        requests: to publish.
        credentials: what clients have put behind the name of the application, each time.

    Args:
        reads: False: it reads nothing once it has agreed.
        resets_after: it breaks each connection off when so many messages have come on it; 0: never.
        account: a user and a password that it asks for in Adobe's way.
        refuses: it refuses to have anything published.
        stream_id: the message stream that `createStream` is answered with.
    """

    def __init__(
        self,
        *,
        reads: bool = True,
        resets_after: int = 0,
        refuses: bool = False,
        port: int = 0,
        stream_id: int = 1,
        account: tuple[str, str] | None = None,
    ) -> None:
        self.messages: list[Message] = []
        self.connections = 0
        self.left = 0
        self.requests: list[PublishRequested] = []
        self._reads = reads
        self._resets_after = resets_after
        self._refuses = refuses
        self._stream_id = stream_id
        self._account = account
        self.credentials: list[dict[str, str]] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, stream: str, login: str = "") -> str:
        return f"rtmp://{login}127.0.0.1:{self.port}/{stream}"

    def wait_for(self, count: int) -> list[Message]:
        """Wait until so many messages have come."""
        wait_until(lambda: len(self.messages) >= count, f"message {count} at a target")
        return self.messages

    def wait_until_left(self) -> None:
        """Wait until all that have come have gone."""
        wait_until(lambda: self.left == self.connections, "the end of a push")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                self._open.append(sock)
                threading.Thread(target=self._look_after, args=(sock,), daemon=True).start()

    def _look_after(self, sock: socket.socket) -> None:
        self._serve(sock)
        self.left += 1

    def _serve(self, sock: socket.socket) -> None:
        connection = ServerConnection(random_bytes=os.urandom)
        came = 0
        if not self._reads:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        with suppress(OSError), sock:
            while data := sock.recv(1 << 16):
                for event in connection.receive_data(data, time.monotonic()):
                    came += self._handle(connection, event)
                assert connection.error is None, connection.error
                sock.sendall(connection.data_to_send())
                if self._resets_after and came >= self._resets_after:
                    linger = struct.pack("ii", 1, 0)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    return
                if self.requests and not self._reads:
                    threading.Event().wait()

    def _handle(self, connection: ServerConnection, event: Event) -> int:
        """Say yes; return how many messages of media it was."""
        match event:
            case ConnectRequested(query=query) if refusal := self._challenge(query):
                connection.reject_connect(refusal)
            case ConnectRequested():
                connection.accept_connect()
                for _ in range(1, self._stream_id):
                    connection._streams.create()
            case PublishRequested(stream_id=stream_id):
                self.requests.append(event)
                if self._refuses:
                    code, why = "NetStream.Publish.BadName", f"no {event.name} today"
                    connection.reject_publish(stream_id, code, why)
                else:
                    connection.accept_publish(stream_id)
            case MediaReceived(messages=messages):
                self.messages += messages
                return len(messages)
            case _:
                pass
        return 0

    def _challenge(self, query: str) -> str:
        """Why the client may not come in; empty if it may."""
        if self._account is None:
            return ""
        user, password = self._account
        asked = dict(part.partition("=")[::2] for part in query.rpartition("?")[2].split("&"))
        self.credentials.append(asked)
        if "user" not in asked:
            return "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : "
        start = "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason="
        if "response" not in asked:
            return f"{start}needauth&user={user}&salt=SALT&challenge=CHALLENGE&opaque=OPAQUE"
        kept = base64_md5(f"{user}SALT{password}")
        right = base64_md5(f"{kept}OPAQUE{asked['challenge']}")
        return "" if asked["response"] == right else f"{start}authfailed&opaque=OPAQUE"


def base64_md5(text: str) -> str:
    return base64.b64encode(hashlib.md5(text.encode()).digest()).decode()
