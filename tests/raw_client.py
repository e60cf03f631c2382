"""A client that says whatever it is told, well or badly, and keeps what comes back.

    client = RawClient(server).connect()
    stream_id = client.create_stream()
    client.command("play", 0, None, "film", stream_id=stream_id)
    client.take(stream_id, 3)          # messages of media

Its bytes are made by `tests/rtmp/wire.py`, not by the project's own encoder.
"""

from __future__ import annotations

import socket
import time
from typing import Self

from slipstream.amf import Value
from slipstream.rtmp import PUBLISHER, ChunkDecoder, Message, MessageType
from tests.rtmp import wire
from tests.server import PATIENCE_S, RunningServer

READ_BYTES = 1 << 18
MEDIA = (MessageType.AUDIO, MessageType.VIDEO, MessageType.DATA)
SAMPLE_ACCESS = b"|RtmpSampleAccess"  # a data message about the stream, not of it


class RawClient:
    """Use it in a `with` statement, or `close()` it.

    Attributes:
        heard: all messages that came and were not taken.

    Args:
        server: to connect to.
        source: the address to come from.
        receive_buffer: bytes that the kernel may hold for us, about; 0: what it likes.
    """

    def __init__(
        self, server: RunningServer, *, source: str = "127.0.0.1", receive_buffer: int = 0
    ) -> None:
        self.heard: list[Message] = []
        self._ear = ChunkDecoder(limits=PUBLISHER)
        self._handshake_left = len(wire.HANDSHAKE)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.bind((source, 0))
        self.socket.connect((server.host, server.rtmp_port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    # Say

    def say(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def send(self, stream_id: int, type_id: int, time_ms: int, body: bytes) -> None:
        """Send a message of media on chunk stream 4 or 6; times below 2**24 - 1."""
        csid = 6 if type_id == MessageType.VIDEO else 4
        self.say(wire.chunks(Message(time_ms, type_id, stream_id, body), csid))

    def command(self, name: str, *values: Value, stream_id: int = 0) -> None:
        """Send a command; `values` begin with its transaction."""
        self.say(wire.command(name, *values, stream_id=stream_id))

    def connect(self, app: str = "live") -> Self:
        """Shake hands, send `connect`, and wait for the answer."""
        self.say(wire.HANDSHAKE + wire.connect(app=app))
        self.hear_command("_result")
        return self

    def create_stream(self) -> int:
        """The id of a new message stream."""
        self.command("createStream", 2, None)
        stream_id = self.hear_command("_result")[3]
        assert isinstance(stream_id, float)
        return int(stream_id)

    # Hear

    def hear_command(self, name: str) -> list[Value]:
        """Wait for a command by this name, and take it: its values."""
        while True:
            for message in self.heard:
                if message.type_id == MessageType.COMMAND:
                    values = wire.parse_amf0(message.payload)
                    if values[0] == name:
                        self.heard.remove(message)
                        return values
            self._read()

    def hear_status(self, code: str) -> None:
        """Wait for this status and take it, with all before it."""
        while True:
            status = self.hear_command("onStatus")[3]
            assert isinstance(status, dict)
            if status["code"] == code:
                return

    def take(self, stream_id: int, count: int) -> list[Message]:
        """Wait for so many messages of media of a message stream, and take them."""
        while len(media := self._media(stream_id)) < count:
            self._read()
        taken = media[:count]
        self.heard = [message for message in self.heard if message not in taken]
        return taken

    def take_for(self, seconds: float, stream_id: int) -> list[Message]:
        """Take the media of a message stream that comes within this time."""
        deadline = time.monotonic() + seconds
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.socket.settimeout(left)
                self._read()
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(PATIENCE_S)
        return self.take(stream_id, len(self._media(stream_id)))

    def hear_some(self, stream_id: int, max_bytes: int) -> list[Message]:
        """Read so much at most, of what is there; take the media of a message stream."""
        self.socket.setblocking(False)
        try:
            while max_bytes > 0:
                max_bytes -= self._read(max_bytes)
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(PATIENCE_S)
        return self.take(stream_id, len(self._media(stream_id)))

    def wait_until_closed(self) -> None:
        """Read until the server closes the connection."""
        try:
            while True:
                self._read()
        except ConnectionError:
            pass

    def _media(self, stream_id: int) -> list[Message]:
        return [
            message
            for message in self.heard
            if message.type_id in MEDIA
            and message.stream_id == stream_id
            and SAMPLE_ACCESS not in message.payload[:32]
        ]

    def _read(self, max_bytes: int = READ_BYTES) -> int:
        data = self.socket.recv(max_bytes)
        if not data:
            raise ConnectionResetError("closed by the server")
        skipped = min(self._handshake_left, len(data))
        self._handshake_left -= skipped
        if len(data) > skipped:
            self.heard += self._ear.receive_data(data[skipped:])
        return len(data)
