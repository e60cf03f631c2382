"""Bytes as RTMP clients and servers send them, and a peer to hold against a connection.

The chunks are made here, not by the product's own encoder, and in clear text: a second
opinion. Conversations that were recorded with real clients are rebuilt out of these.
"""

from __future__ import annotations

from typing import NamedTuple

from slipstream.amf import Value, build_amf0, parse_amf0
from slipstream.rtmp import (
    ChunkDecoder,
    ClientConnection,
    Event,
    Message,
    MessageType,
    PlayStarted,
    PublishStarted,
    ServerConnection,
    parse_rtmp_url,
)
from slipstream.rtmp.chunk_decoder import PUBLISHER
from slipstream.rtmp.connection import Connection

AUDIO, VIDEO, DATA, COMMAND = 8, 9, 18, 20
SERVER_CHUNKS = 60_000  # what our server announces


_NOISE = bytes((7 * i + 3) % 256 for i in range(1536))


def random_bytes(count: int) -> bytes:
    """Chance that always falls the same way."""
    return _NOISE[:count]


C0_C1 = b"\x03" + bytes(8) + random_bytes(1528)
C2 = bytes(1536)  # nobody may look at it
S0_S1_S2 = b"\x03" + bytes(3072)
HANDSHAKE = C0_C1 + C2


URL = parse_rtmp_url("rtmp://h/live/key?token=x")
SUCCESS: dict[str, Value] = {
    "level": "status",
    "code": "NetConnection.Connect.Success",
    "description": "Connection succeeded.",
    "objectEncoding": 0.0,
}
SERVER: dict[str, Value] = {"fmsVer": "FMS/3,0,1,123", "capabilities": 31.0}


def chunks(message: Message, csid: int = 3, size: int = 128) -> bytes:
    """One type 0 chunk, then type 3. For csids below 64 and times below 2**24 - 1."""
    timestamp, type_id, stream_id, payload = message
    fields = timestamp.to_bytes(3) + len(payload).to_bytes(3) + bytes([type_id])
    data = bytes([csid]) + fields + stream_id.to_bytes(4, "little") + payload[:size]
    for start in range(size, len(payload), size):
        data += bytes([0xC0 | csid]) + payload[start : start + size]
    return data


def command(name: str, *values: Value, stream_id: int = 0, csid: int = 3) -> bytes:
    """A command; `values` begin with its transaction."""
    return chunks(Message(0, COMMAND, stream_id, build_amf0(name, *values)), csid)


def data_message(*values: Value, stream_id: int = 1) -> bytes:
    """A data message of AMF0."""
    return chunks(Message(0, DATA, stream_id, build_amf0(*values)), csid=4)


def control(type_id: int, *numbers: int) -> bytes:
    """A control message of u32 numbers."""
    payload = b"".join(number.to_bytes(4) for number in numbers)
    return chunks(Message(0, type_id, 0, payload), csid=2)


def user_control(event: int, *numbers: int) -> bytes:
    """A user control message."""
    payload = event.to_bytes(2) + b"".join(number.to_bytes(4) for number in numbers)
    return chunks(Message(0, MessageType.USER_CONTROL, 0, payload), csid=2)


def connect(transaction: float = 1, /, **properties: Value) -> bytes:
    """What FFmpeg sends as a publisher, with `properties` over it."""
    sent: dict[str, Value] = {
        "app": "live",
        "type": "nonprivate",
        "flashVer": "FMLE/3.0 (compatible; Lavf59.27.100)",
        "tcUrl": "rtmp://127.0.0.1:41995/live",
    }
    return command("connect", transaction, {**sent, **properties})


class Heard(NamedTuple):
    """A message from the other side, with what is inside it."""

    type_id: int
    stream_id: int
    values: list[Value]  # of commands and data; otherwise the payload alone

    @property
    def code(self) -> Value:
        """Of the status that it carries, if it does."""
        for value in self.values[2:]:
            if isinstance(value, dict) and "code" in value:
                return value["code"]
        return None


class Ear:
    """Decodes what a connection sends. Give it everything, from the handshake on."""

    def __init__(self, handshake: int = 3073) -> None:
        self._skip = handshake  # bytes
        self._decoder = ChunkDecoder(limits=PUBLISHER)

    def hear(self, data: bytes) -> list[Heard]:
        """The messages in these bytes."""
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        return [_understand(message) for message in self._decoder.receive_data(data[skipped:])]


class Served:
    """A server's connection and the ear of the client at its other end."""

    def __init__(self, connection: ServerConnection | None = None) -> None:
        self.connection = connection or ServerConnection(random_bytes=random_bytes)
        self._ear = Ear()
        self.now = 1000.0  # seconds

    def send(self, data: bytes) -> list[Event]:
        """The client sends; a second passes, so that no rate is reached by chance."""
        self.now += 1
        return self.connection.receive_data(data, self.now)

    def hear(self) -> list[Heard]:
        """What the client hears since the last time."""
        return self._ear.hear(self.connection.data_to_send())

    def connected(self, streams: int = 1, /, **properties: Value) -> Served:
        """Come so far that there are so many message streams; leave nothing to be heard."""
        self.send(HANDSHAKE + connect(**properties))
        self.connection.accept_connect()
        for _ in range(streams):
            self.send(command("createStream", 2, None))
        self.hear()
        return self

    def publishing(self, name: str = "key") -> Served:
        """The same, and publishing on message stream 1."""
        self.connected().send(command("publish", 5, None, name, "live", stream_id=1))
        assert self.connection.accept_publish(1)
        self.hear()
        return self

    def playing(self, name: str = "key", *arguments: Value, **properties: Value) -> Served:
        """The same, and playing on message stream 1."""
        self.connected(**properties).send(command("play", 5, None, name, *arguments, stream_id=1))
        assert self.connection.accept_play(1)
        self.hear()
        return self


def client() -> ClientConnection:
    """One that has not been told what to do."""
    return ClientConnection(URL.app, URL.tc_url, random_bytes=random_bytes)


def status(code: str, level: str = "status", *, stream_id: int = 1, **more: Value) -> bytes:
    """A status as servers send it."""
    information: dict[str, Value] = {"level": level, "code": code, "description": "why", **more}
    return command("onStatus", 0, None, information, stream_id=stream_id, csid=5)


class Visitor:
    """A client and the ear of the server at its other end."""

    def __init__(self) -> None:
        self.connection = client()
        self._ear = Ear()

    def send(self, data: bytes) -> list[Event]:
        """The server sends."""
        return self.connection.receive_data(data)

    def hear(self) -> list[Heard]:
        """What the server hears since the last time."""
        return self._ear.hear(self.connection.data_to_send())

    def connected(self) -> Visitor:
        """Come so far that the server has accepted us; leave nothing to be heard."""
        self.send(S0_S1_S2 + command("_result", 1, SERVER, SUCCESS))
        self.hear()
        return self

    def publishing(self) -> Visitor:
        """The same, and publishing on message stream 1."""
        self.connection.publish(URL.name)
        self.connected().send(command("_result", 4, None, 1))
        assert self.send(status("NetStream.Publish.Start")) == [PublishStarted(1)]
        self.hear()
        return self

    def playing(self) -> Visitor:
        """The same, and playing from message stream 1."""
        self.connection.play(URL.name)
        self.connected().send(command("_result", 2, None, 1))
        assert self.send(status("NetStream.Play.Start")) == [PlayStarted(1)]
        self.hear()
        return self


def join(one: Connection, other: Connection, now: float = 0.0) -> tuple[list[Event], list[Event]]:
    """Carry bytes both ways until both are silent; return the events of each."""
    events: tuple[list[Event], list[Event]] = ([], [])
    while (data := one.data_to_send()) + (answer := other.data_to_send()):
        events[1].extend(other.receive_data(data, now))
        events[0].extend(one.receive_data(answer, now))
    return events


def _understand(message: Message) -> Heard:
    inside: list[Value] = [message.payload]
    if message.type_id in (COMMAND, DATA):
        inside = parse_amf0(message.payload)
    return Heard(message.type_id, message.stream_id, inside)
