"""Connections of the load: RTMP and HTTP-FLV over asyncio, many in one process.

    connection = RtmpConnection(on_message)
    await connection.open(place)
    await connection.publish("name?key=...")      # or connection.play("name")
    await connection.closed.wait()

It shares no line with Slipstream's own client. Media messages go to `on_message` with the moment
of their arrival; nothing is kept.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
import time
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

from bench.load import amf
from bench.load.chunks import (
    AUDIO,
    COMMAND,
    DATA,
    SET_CHUNK_SIZE,
    VIDEO,
    ChunkReader,
    Message,
    build_message,
)
from bench.load.client import (
    COMMAND_CSID,
    CONTROL_CSID,
    HANDSHAKE_SIZE,
    STREAM_CSID,
    VERSION,
    ClientError,
)

CHUNK_SIZE = 4096  # bytes; what OBS sends
USER_CONTROL, PING, PONG = 4, 6, 7  # message type; event types (RTMP §7.1.7)
CONTROL = frozenset((1, 2, 3, 4, 5, 6))  # message types of the protocol itself (§5.4)
MEDIA = frozenset((AUDIO, VIDEO, DATA))
TIMEOUT_S = 20.0  # for an answer: a machine may be busy
FLV_HEADER_SIZE, TAG_HEADER_SIZE, TRAILER_SIZE = 13, 11, 4  # bytes; 13 with the first trailer
STREAM_ID = 1  # what createStream answers first
HARD_END = struct.pack("ii", 1, 0)  # SO_LINGER: reset, whatever is unread or unsent

OnMessage = Callable[[Message, int], None]
Value = TypeVar("Value")


class Place(NamedTuple):
    """Where a server is, from which local address to come, and whether with TLS."""

    host: str
    port: int
    app: str = "live"
    source: str = "127.0.0.1"
    encrypted: bool = False


class Connection(asyncio.Protocol):
    """What both kinds share.

    Attributes:
        closed: set when the connection is no more, whoever ended it.
        port: its local one, by which the server's side of it is found.
        left: we ended it ourselves.
        broken: what was wrong with the bytes, after which we ended it; empty if nothing was.
        refusal: what the server said instead of serving; empty if it did not.
        discarded: bytes that were not looked at, after `discard()`.
    """

    def __init__(self, on_message: OnMessage) -> None:
        self.closed = asyncio.Event()
        self.port = 0
        self.left = False
        self.broken = ""
        self.refusal = ""
        self.discarded = 0
        self._discarding = False
        self._on_message = on_message
        self._transport: asyncio.Transport | None = None

    async def connect(self, place: Place) -> None:
        """Be connected, and say nothing.

        Raises:
            OSError: nobody listens, or shakes no hands.
        """
        loop = asyncio.get_running_loop()
        source = (place.source, 0)
        tls = _trusting_anybody() if place.encrypted else None
        await loop.create_connection(
            lambda: self, place.host, place.port, local_addr=source, ssl=tls
        )

    def send(self, data: bytes) -> None:
        """Send, now or when there is room."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Leave."""
        self.left = True
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Break off as a machine that crashes, after what has been sent so far."""
        self.left = True
        if self._transport is not None:
            sock: socket.socket = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, HARD_END)
            self._transport.abort()

    def discard(self) -> None:
        """Count what comes from now on, and do not look at it: a thousand viewers are too many."""
        self._discarding = True

    # Called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is of no class of these
        self.port = transport.get_extra_info("sockname")[1]

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - how is all one
        self._transport = None
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        if self._discarding:
            self.discarded += len(data)
            return
        try:
            self._receive(data, time.monotonic_ns())
        except ClientError as error:
            self.broken = str(error)
            if self._transport is not None:
                self._transport.abort()

    def _receive(self, data: bytes, now_ns: int, /) -> None:
        """Take what has come; here it is of no interest.

        Raises:
            ClientError: it makes no sense.
        """


class RtmpConnection(Connection):
    """`open()`, then `publish()` or `play()`. `refusal` is the newest status that is an error."""

    def __init__(self, on_message: OnMessage) -> None:
        super().__init__(on_message)
        self._reader = ChunkReader()
        self._greeting = bytearray()  # of the server, until it is whole
        self._greeted = asyncio.Event()
        self._commands: asyncio.Queue[list[amf.Value]] = asyncio.Queue()

    async def open(self, place: Place) -> None:
        """Handshake, `connect`, `createStream`.

        Raises:
            OSError: nobody listens.
            ClientError: the server refused, or closed the connection, or does not answer.
        """
        await self.connect(place)
        self.send(VERSION + bytes(8) + os.urandom(HANDSHAKE_SIZE - 8))
        await self._wait(self._greeted.wait())
        announcement = Message(0, SET_CHUNK_SIZE, 0, CHUNK_SIZE.to_bytes(4, "big"))
        self.send(bytes(self._greeting[1 : 1 + HANDSHAKE_SIZE]))
        self.send(build_message(CONTROL_CSID, announcement, CHUNK_SIZE))
        url = f"rtmp://{place.host}:{place.port}/{place.app}"
        properties: amf.Value = {"app": place.app, "tcUrl": url, "flashVer": "soak"}
        self._command(COMMAND_CSID, 0, "connect", 1, properties)
        await self._result(1)
        self._command(COMMAND_CSID, 0, "createStream", 2, None)
        await self._result(2)

    async def publish(self, name: str) -> None:
        """Become the publisher of `name`.

        Raises:
            ClientError: the server refused, or closed the connection, or does not answer.
        """
        self._command(STREAM_CSID, STREAM_ID, "publish", 3, None, name, "live")
        while True:
            match await self._wait(self._commands.get()):
                case ["onStatus", _, _, {"code": "NetStream.Publish.Start"}, *_]:
                    return
                case ["onStatus", _, _, {"code": str(code)}, *_]:
                    raise ClientError(f"refused: {code}")

    def play(self, name: str) -> None:
        """Ask for `name`, and do not wait for the answer."""
        self._command(STREAM_CSID, STREAM_ID, "play", 3, None, name, -1000)

    def send_message(self, csid: int, timestamp: int, kind: int, body: bytes) -> None:
        """Send one message on the stream."""
        self.send(build_message(csid, Message(timestamp, kind, STREAM_ID, body), CHUNK_SIZE))

    def _receive(self, data: bytes, now_ns: int) -> None:
        if not self._greeted.is_set():
            self._greeting += data
            if len(self._greeting) < 1 + 2 * HANDSHAKE_SIZE:
                return
            data = bytes(self._greeting[1 + 2 * HANDSHAKE_SIZE :])
            self._greeted.set()
        for message in self._reader.receive_data(data):
            if message.type_id in MEDIA:
                self._on_message(message, now_ns)
            elif message.type_id == COMMAND:
                self._on_command(message.payload)
            elif message.type_id == USER_CONTROL:
                self._on_control(message.payload)
            elif message.type_id not in CONTROL:
                raise ClientError(f"a message of type {message.type_id}")

    def _on_command(self, payload: bytes) -> None:
        try:
            command = amf.parse(payload)
        except (ValueError, struct.error) as error:
            raise ClientError(f"a command that cannot be read: {error}") from error
        match command:
            case ["onStatus", _, _, {"level": "error", "code": str(code)}, *_]:
                self.refusal = code
        self._commands.put_nowait(command)

    def _on_control(self, payload: bytes) -> None:
        if int.from_bytes(payload[:2], "big") == PING:
            pong = Message(0, USER_CONTROL, 0, PONG.to_bytes(2, "big") + payload[2:6])
            self.send(build_message(CONTROL_CSID, pong, CHUNK_SIZE))

    def _command(self, csid: int, stream_id: int, name: str, *arguments: amf.Value) -> None:
        message = Message(0, COMMAND, stream_id, amf.build(name, *arguments))
        self.send(build_message(csid, message, CHUNK_SIZE))

    async def _result(self, transaction: int) -> None:
        while True:
            match await self._wait(self._commands.get()):
                case ["_result", float(number), *_] if number == transaction:
                    return
                case ["_error", *answer]:
                    raise ClientError(f"refused: {answer}")

    async def _wait(self, what: Coroutine[Any, Any, Value]) -> Value:
        """Wait for something, but not longer than the connection lives."""
        wanted = asyncio.ensure_future(what)
        ended = asyncio.ensure_future(self.closed.wait())
        try:
            await asyncio.wait(
                (wanted, ended), timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
            )
            if wanted.done():
                return wanted.result()
            raise ClientError(
                "closed by the server" if ended.done() else f"no answer for {TIMEOUT_S:g} s"
            )
        finally:
            wanted.cancel()
            ended.cancel()


class FlvConnection(Connection):
    """`open()` asks for a stream; then come its tags.

    Attributes:
        status: of the answer; 0 until it came.
    """

    def __init__(self, on_message: OnMessage) -> None:
        super().__init__(on_message)
        self.status = 0
        self._buffer = bytearray()
        self._in_tags = False

    async def open(self, place: Place, name: str) -> None:
        """Ask for `name`, and do not wait for the answer: the publisher may be yet to come.

        Raises:
            OSError: nobody listens.
        """
        await self.connect(place)
        path = f"/{place.app}/{name}.flv"
        self.send(f"GET {path} HTTP/1.1\r\nHost: {place.host}\r\n\r\n".encode())

    def _receive(self, data: bytes, now_ns: int) -> None:
        buffer = self._buffer
        buffer += data
        position = 0 if self._in_tags else self._read_head()
        while self._in_tags and position + TAG_HEADER_SIZE <= len(buffer):
            size = int.from_bytes(buffer[position + 1 : position + 4], "big")
            end = position + TAG_HEADER_SIZE + size + TRAILER_SIZE
            if end > len(buffer):
                break
            self._on_message(_read_tag(buffer, position, size), now_ns)
            position = end
        del buffer[:position]

    def _read_head(self) -> int:
        """Read the answer and the file's header: where the tags begin, or 0."""
        end = self._buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return 0
        self.status = int(self._buffer[9:12])
        if self.status != 200:
            self.refusal = f"HTTP {self.status}"
            self.close()
        if len(self._buffer) < end + FLV_HEADER_SIZE or self.refusal:
            return 0
        if self._buffer[end : end + 3] != b"FLV":
            raise ClientError(f"no FLV file: {bytes(self._buffer[end : end + 16])!r}")
        self._in_tags = True
        return end + FLV_HEADER_SIZE


def _read_tag(buffer: bytearray, position: int, size: int) -> Message:
    """The tag at `position` as a message.

    Raises:
        ClientError: its size does not stand behind it: a tag was cut.
    """
    body = position + TAG_HEADER_SIZE
    trailer = int.from_bytes(buffer[body + size : body + size + TRAILER_SIZE], "big")
    if trailer != size + TAG_HEADER_SIZE:
        raise ClientError(f"a tag of {size} bytes ends with {trailer}")
    low, high = buffer[position + 4 : position + 7], buffer[position + 7]
    timestamp = int.from_bytes(low, "big") | high << 24
    return Message(timestamp, buffer[position], 0, bytes(buffer[body : body + size]))


@cache
def _trusting_anybody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
