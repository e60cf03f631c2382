"""One connection to a server, blocking: handshake, connect, createStream, then publish or play.

The simple handshake and the shortest command sequence that every server accepts. After
`publish()` or `play()` the socket is the caller's: publishers write chunks to it, viewers read it
themselves, with `reader` if they parse. `Player` is what a viewer is, whatever it speaks.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol, TypeVar

from . import amf
from .chunks import COMMAND, SET_CHUNK_SIZE, ChunkReader, Message, build_message

VERSION = b"\x03"
HANDSHAKE_SIZE = 1536  # bytes in each of C1, S1, C2 and S2 (§5.2.1)
CONTROL_CSID, COMMAND_CSID, STREAM_CSID = 2, 3, 8
READ_SIZE = 256 << 10
CHUNK_SIZE = 4096  # bytes; what OBS sends
CONNECTING_AT_ONCE = 16
TIMEOUT_S = 30  # for each answer; a server that is silent for longer has failed the benchmark


class Target(NamedTuple):
    """Where the streams are: rtmp://host:port/app, and perhaps http://host:http_port/app."""

    host: str
    port: int
    app: str = "live"
    http_port: int = 0


class ClientError(Exception):
    """The server refused, or closed the connection."""


class Reader(Protocol):
    """What makes messages of a connection's bytes."""

    def receive_data(self, data: bytes) -> list[Message]:
        """Take bytes, cut anywhere; return the messages that they complete."""


class Player(Protocol):
    """A connection for one viewer, made with a `Target`."""

    socket: socket.socket

    @property
    def reader(self) -> Reader: ...

    def play(self, name: str) -> None:
        """Ask for `name`; the answer, followed by media, is for `reader`."""

    def close(self) -> None: ...


Connection = TypeVar("Connection")


def connect_many(connect: Callable[[], Connection], count: int) -> list[Connection]:
    """`count` connections, made several at a time.

    A server that leaves Nagle's algorithm on takes 40 ms to answer, waiting for our kernel's
    delayed acknowledgement; one after the other, 500 viewers would need half a minute.
    """
    with ThreadPoolExecutor(CONNECTING_AT_ONCE) as pool:
        return list(pool.map(lambda _: connect(), range(count)))


def raise_if_refused(message: Message) -> None:
    """Raises ClientError for a status of level "error", such as NetStream.Play.StreamNotFound."""
    match amf.parse(message.payload):
        case ["onStatus", _, _, {"level": "error", "code": code}, *_]:
            raise ClientError(f"the server refused: {code}")


class Client:
    """Connects on construction; then `publish(name)` or `play(name)`.

    Args:
        target: the server and its application.
        chunk_size: of what this side sends.
        prepare: gets the socket before it connects, to set what must be set that early.
    """

    def __init__(
        self,
        target: Target,
        chunk_size: int = CHUNK_SIZE,
        prepare: Callable[[socket.socket], None] = lambda _: None,
    ) -> None:
        self.reader = ChunkReader()
        self.chunk_size = chunk_size
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        prepare(self.socket)
        self.socket.settimeout(TIMEOUT_S)
        self._connect(target)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._handshake()
        announcement = Message(0, SET_CHUNK_SIZE, 0, chunk_size.to_bytes(4, "big"))
        self.socket.sendall(build_message(CONTROL_CSID, announcement, chunk_size))
        tc_url = f"rtmp://{target.host}:{target.port}/{target.app}"
        properties: amf.Value = {"app": target.app, "tcUrl": tc_url, "flashVer": "bench"}
        self._call("connect", 1, properties)
        self.stream_id = self._create_stream()

    def publish(self, name: str) -> None:
        """Become the publisher of `name`."""
        self._send_command(STREAM_CSID, self.stream_id, "publish", 3, None, name, "live")
        self._wait_for_status("NetStream.Publish.Start")

    def play(self, name: str) -> None:
        """Ask for `name`; does not wait for the answer, which is followed by media."""
        self._send_command(STREAM_CSID, self.stream_id, "play", 3, None, name, -1000)

    def close(self) -> None:
        self.socket.close()

    def _connect(self, target: Target) -> None:
        self.socket.connect((target.host, target.port))

    def _create_stream(self) -> int:
        answer = self._call("createStream", 2, None)
        match answer:
            case [_, _, _, float(stream_id), *_]:
                return int(stream_id)
        raise ClientError(f"createStream was answered by {answer}")

    def _handshake(self) -> None:
        c1 = bytes(8) + os.urandom(HANDSHAKE_SIZE - 8)
        self.socket.sendall(VERSION + c1)
        answer = self._read_exactly(1 + 2 * HANDSHAKE_SIZE)
        self.socket.sendall(answer[1 : 1 + HANDSHAKE_SIZE])

    def _call(self, name: str, transaction: int, *arguments: amf.Value) -> list[amf.Value]:
        """Send a command of the connection and wait for its answer."""
        self._send_command(COMMAND_CSID, 0, name, transaction, *arguments)
        for command in self._commands():
            if command[0] in ("_result", "_error") and command[1] == transaction:
                if command[0] == "_error":
                    raise ClientError(f"{name} was refused: {command}")
                return command
        raise ClientError(f"the server closed the connection before it answered {name}")

    def _wait_for_status(self, code: str) -> None:
        for command in self._commands():
            match command:
                case ["onStatus", _, _, {"code": str(got)}, *_]:
                    if got == code:
                        return
                    raise ClientError(f"expected the status {code}, got {got}")
        raise ClientError(f"the server closed the connection before {code}")

    def _send_command(self, csid: int, stream_id: int, name: str, *arguments: amf.Value) -> None:
        message = Message(0, COMMAND, stream_id, amf.build(name, *arguments))
        self.socket.sendall(build_message(csid, message, self.chunk_size))

    def _commands(self) -> Iterator[list[amf.Value]]:
        while data := self.socket.recv(READ_SIZE):
            for message in self.reader.receive_data(data):
                if message.type_id == COMMAND:
                    yield amf.parse(message.payload)

    def _read_exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ClientError(f"the server closed after {len(data)} bytes of handshake")
            data += part
        return bytes(data)
