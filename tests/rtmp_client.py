"""Our own client over a plain blocking socket: publish and play, message by message.

    with RtmpClient.publishing(url) as publisher, RtmpClient.playing(url) as player:
        publisher.send(key(0), sound(10))
        player.take(2)

Waiting is bounded: what does not come in time raises.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from pathlib import Path
from typing import Self

from slipstream.media import Frame
from slipstream.rtmp import (
    ClientConnection,
    Ended,
    EnhancedCapabilities,
    Event,
    MediaReceived,
    Message,
    PlayStarted,
    PublishStarted,
    parse_rtmp_url,
)
from tests.clips import read_tags
from tests.server import PATIENCE_S
from tests.tls.stage import trusting_anybody

READ_BYTES = 1 << 18


class ClosedByServerError(Exception):
    """The server has closed the connection while something was waited for."""


class RtmpClient:
    """Use `publishing()` or `playing()`, in a `with` statement.

    Attributes:
        ended: what the server said at the end, if it did.
        events: all that came, media left out.

    Args:
        url: `rtmp://host:port/app/name?query`, or `rtmps://`.
        source: the address to come from.
        receive_buffer: bytes that the kernel may hold for us, about; 0: what it likes.
        capabilities: what the client says that it can do.
    """

    def __init__(
        self,
        url: str,
        *,
        source: str = "127.0.0.1",
        receive_buffer: int = 0,
        capabilities: EnhancedCapabilities | None = None,
    ) -> None:
        self.url = parse_rtmp_url(url)
        self.ended: Ended | None = None
        self.events: list[Event] = []
        self._media: list[Message] = []
        announced = {} if capabilities is None else {"capabilities": capabilities}
        self._connection = ClientConnection(
            self.url.app, self.url.tc_url, random_bytes=os.urandom, **announced
        )
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.bind((source, 0))
        self.socket.connect((self.url.host, self.url.port))
        if self.url.tls:
            self.socket = trusting_anybody().wrap_socket(self.socket)

    @classmethod
    def publishing(cls, url: str, **options: object) -> Self:
        """Publish; returns when media may be sent, or raises when it may not."""
        client = cls.asking_to_publish(url, **options)
        client.wait_for(PublishStarted)
        return client

    @classmethod
    def asking_to_publish(cls, url: str, **options: object) -> Self:
        """Ask to publish, and do not wait for the answer."""
        client = cls(url, **options)  # type: ignore[arg-type]
        client._connection.publish(client.url.name)
        client._flush()
        return client

    @classmethod
    def playing(cls, url: str, **options: object) -> Self:
        """Ask to play, and do not wait for the answer: the publisher may be yet to come."""
        client = cls(url, **options)  # type: ignore[arg-type]
        client._connection.play(client.url.name)
        client._flush()
        client.wait_until_asked()
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    # To the server

    def send(self, *frames: Frame) -> None:
        """Send frames, each at its own time."""
        for frame in frames:
            self._connection.send_media(frame.kind, frame.dts_ms % 2**32, frame.body)
        self._flush()

    def send_file(self, path: Path) -> None:
        """Send the tags of an FLV file, each when it is due."""
        started = time.monotonic()
        for type_id, timestamp, body in read_tags(path):
            time.sleep(max(started + timestamp / 1000 - time.monotonic(), 0))
            self._connection.send_media(type_id, timestamp, body)
            self._flush()

    def leave(self) -> None:
        """Take leave as encoders and players do, then close."""
        self._connection.close()
        self._flush()
        self.socket.shutdown(socket.SHUT_WR)
        self.drain()
        self.socket.close()

    def reset(self) -> None:
        """Break off as a machine does that crashes: unread bytes are lost, no word is said."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # From the server

    def wait_for(self, kind: type[Event]) -> Event:
        """Wait for an event; one that has come already will do.

        Raises:
            ClosedByServerError: it closed the connection instead.
        """
        while not (found := [event for event in self.events if isinstance(event, kind)]):
            self._read()
        return found[0]

    def wait_until_asked(self) -> None:
        """Wait until our question has been sent: the server has answered `createStream`."""
        while not any(type(event).__name__ == "StreamCreated" for event in self.events):
            self._read()

    def take(self, count: int) -> list[Message]:
        """Wait for so many messages of media, and take them."""
        while len(self._media) < count:
            self._read()
        taken, self._media = self._media[:count], self._media[count:]
        return taken

    def take_for(self, seconds: float) -> list[Message]:
        """Take what comes within this time."""
        deadline = time.monotonic() + seconds
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.socket.settimeout(left)
                self._read()
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(PATIENCE_S)
        taken, self._media = self._media, []
        return taken

    def drain(self) -> list[Message]:
        """Take all there is until the server closes the connection."""
        try:
            while True:
                self._read()
        except ClosedByServerError:
            pass
        taken, self._media = self._media, []
        return taken

    def wait_for_start(self) -> None:
        """Wait until the server says that what is played has begun."""
        self.wait_for(PlayStarted)

    # Inside

    def _read(self) -> None:
        try:
            data = self.socket.recv(READ_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            raise ClosedByServerError
        for event in self._connection.receive_data(data, time.monotonic()):
            if isinstance(event, MediaReceived):
                self._media += event.messages
                continue
            self.events.append(event)
            if isinstance(event, Ended):
                self.ended = event
        assert self._connection.error is None, self._connection.error
        self._flush()

    def _flush(self) -> None:
        data = self._connection.data_to_send()
        if data:
            self.socket.sendall(data)
