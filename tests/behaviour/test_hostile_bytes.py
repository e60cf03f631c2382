"""Those who send what cannot be, before they may do anything and afterwards."""

from __future__ import annotations

import contextlib
import struct
from contextlib import ExitStack

import pytest

from slipstream.amf import build_amf0
from slipstream.rtmp import Code, Message, MessageType
from tests.behaviour.bystanders import Bystanders
from tests.behaviour.pictures import CONFIGS, gop
from tests.hub.stage import key, video_config
from tests.raw_client import RawClient
from tests.rtmp import wire
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer

ATTACKERS = 4
HUGE = 0xFFFFFF  # bytes: the longest message that a chunk header can announce


def say(client: RawClient, data: bytes) -> None:
    """Say it; the server may hang up in the middle."""
    with contextlib.suppress(ConnectionError):
        client.say(data)


def header(csid: int, length: int, type_id: int) -> bytes:
    """A type 0 chunk header, to be followed by whatever."""
    return bytes([csid, 0, 0, 0]) + length.to_bytes(3) + bytes([type_id]) + bytes(4)


def in_command(payload: bytes) -> bytes:
    """AMF0 behind a `connect`."""
    body = build_amf0("connect", 1.0) + payload
    return wire.chunks(Message(0, MessageType.COMMAND, 0, body))


def short(type_id: int, payload: bytes = b"\0") -> bytes:
    """A message that should be longer."""
    return wire.chunks(Message(0, type_id, 0, payload), csid=2)


def set_chunk_size(size: int) -> bytes:
    return wire.control(MessageType.SET_CHUNK_SIZE, size)


def in_bytes(csid: int, type_id: int, stream_id: int, body: bytes) -> bytes:
    """A message in chunks of one byte, and the chunk size that goes with it."""
    start = wire.chunks(Message(0, type_id, stream_id, b""), csid)
    head = start[:4] + len(body).to_bytes(3) + start[7:] + body[:1]
    rest = b"".join(bytes([0xC0 | csid, octet]) for octet in body[1:])
    return set_chunk_size(1) + head + rest


# By somebody who may do nothing yet. What must end the connection at once, and what need not.

CLOSED_AT_ONCE = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": bytes.fromhex("16030102000100") + bytes(512),
    "PROXY": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
    "zeros": bytes(4096),
    "huge messages on many chunk streams": wire.HANDSHAKE
    + b"".join(header(csid, HUGE, 20) + bytes(128) for csid in range(3, 64)),
    "a huge message": wire.HANDSHAKE + header(3, HUGE, 9) + bytes(128),
    "chunk size 0": wire.HANDSHAKE + set_chunk_size(0),
    "chunk size 2**31": wire.HANDSHAKE + set_chunk_size(2**31),
    "chunk size 2**32 - 1": wire.HANDSHAKE + set_chunk_size(2**32 - 1),
    "chunk size 2**31 - 1": wire.HANDSHAKE
    + set_chunk_size(2**31 - 1)
    + header(3, HUGE, 20)
    + bytes(100_000),
    "a length that changes half way": wire.HANDSHAKE
    + header(3, 500, 20)
    + bytes(128)
    + header(3, 900, 20),
    "a continuation of nothing": wire.HANDSHAKE + b"\xc3" + bytes(200),
    "one-byte chunks without end": wire.HANDSHAKE
    + in_bytes(3, MessageType.COMMAND, 0, bytes(60_000)),
    "10 000 commands": wire.HANDSHAKE + wire.command("releaseStream", 0, None) * 10_000,
    "a connect that is none": wire.HANDSHAKE + short(MessageType.COMMAND, b"\xff" * 100),
    "objects 15 000 deep": wire.HANDSHAKE + in_command(b"\x03\0\1a" * 15_000),
    "8 000 keys": wire.HANDSHAKE
    + in_command(b"\x03" + b"".join(b"\0\5%05d\5" % i for i in range(8_000)) + b"\0\0\x09"),
    "an array of 2**32 - 1": wire.HANDSHAKE + in_command(b"\x0a\xff\xff\xff\xff" + bytes(100)),
    "a map of 2**32 - 1": wire.HANDSHAKE + in_command(b"\x08\xff\xff\xff\xff" + bytes(100)),
    "a string of 2**32 - 1": wire.HANDSHAKE + in_command(b"\x0c\xff\xff\xff\xff" + bytes(100)),
}
SUFFERED = {
    "references to itself": in_command(b"\x03\0\1a\x07\0\0" * 100),
    "short control messages": b"".join(short(type_id) for type_id in (1, 2, 3, 4, 5, 6)),
    "a long control message": short(MessageType.WINDOW_ACK_SIZE, bytes(5000)),
    "windows of 0 and 1": wire.control(5, 0) + wire.control(5, 1) + wire.control(3, 2**32 - 1) * 99,
    "publish before connect": wire.command("publish", 1, None, "x", stream_id=9) * 50,
    "commands of wrong types": wire.command("connect", "x", 7.0) + wire.command("play", None, True),
    "aggregates": short(MessageType.AGGREGATE, bytes(11 * 5_000)),
    "noise": wire.random_bytes(60_000),
}


@pytest.mark.parametrize("said", CLOSED_AT_ONCE.values(), ids=CLOSED_AT_ONCE.keys())
def test_nonsense_ends_the_connection(
    said: bytes, victim: RunningServer, others: Bystanders
) -> None:
    with others.undisturbed(), ExitStack() as stack:
        clients = [stack.enter_context(RawClient(victim)) for _ in range(ATTACKERS)]
        for client in clients:
            say(client, said)
        for client in clients:
            client.wait_until_closed()


@pytest.mark.parametrize("said", SUFFERED.values(), ids=SUFFERED.keys())
def test_nonsense_harms_nobody_else(said: bytes, victim: RunningServer, others: Bystanders) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(RawClient(victim)) for _ in range(ATTACKERS)]
        with others.undisturbed():
            for client in clients:
                say(client, wire.HANDSHAKE + said)


# By somebody who publishes: type and body of a message.


def aggregate(tags: int, *, type_id: int = MessageType.AUDIO, size: int = 1) -> bytes:
    """An aggregate of so many tags, each of one byte whatever `size` says."""
    tag = struct.pack(">B3s3sB3s", type_id, size.to_bytes(3), bytes(3), 0, bytes(3)) + b"\xaf"
    return (tag + (12).to_bytes(4)) * tags


SAID_LATER = {
    "an aggregate of 60 000 tags": (MessageType.AGGREGATE, aggregate(60_000)),
    "aggregates in an aggregate": (
        MessageType.AGGREGATE,
        aggregate(10, type_id=MessageType.AGGREGATE),
    ),
    "an aggregate of wrong sizes": (MessageType.AGGREGATE, aggregate(10, size=9_999_999)),
    "an empty picture": (MessageType.VIDEO, b""),
    "a picture of no codec": (MessageType.VIDEO, b"\x1f\xff\xff\xff\xff\xff"),
    "enhanced nonsense": (MessageType.VIDEO, b"\x96\xff\xff\xff\xff\xff\xff"),
    "metadata without end": (
        MessageType.DATA,
        build_amf0("@setDataFrame", "onMetaData") + b"\x08\xff\xff\xff\xff",
    ),
    "metadata of 60 KB": (
        MessageType.DATA,
        build_amf0("@setDataFrame", "onMetaData", {"a": "b" * 60_000}),
    ),
    "deep metadata": (MessageType.DATA, build_amf0("onMetaData") + b"\x03\0\1a" * 15_000),
}


def publish(client: RawClient, victim: RunningServer, stream: str) -> int:
    """Let the client publish; the message stream's id."""
    stream_id = client.create_stream()
    name = f"{stream.removeprefix('live/')}?key={victim.key}"
    client.command("publish", 0, None, name, "live", stream_id=stream_id)
    client.hear_status(Code.PUBLISH_START)
    return stream_id


@pytest.mark.parametrize(("type_id", "body"), SAID_LATER.values(), ids=SAID_LATER.keys())
def test_nonsense_in_a_publication_does_not_end_it(
    type_id: int, body: bytes, victim: RunningServer, others: Bystanders, stream: str
) -> None:
    with others.undisturbed(), RawClient(victim).connect() as client:
        stream_id = publish(client, victim, stream)
        for _ in range(5):
            client.send(stream_id, type_id, 0, body)
        for kind, _, dts_ms, *_, good in [*CONFIGS, *gop(0)]:
            client.send(stream_id, kind, dts_ms, good)
        with RtmpClient.playing(victim.play_url(stream)) as player:
            came = [message.payload for message in player.take(len(CONFIGS) + 1)]
    assert gop(0)[0].body in came


def test_a_picture_in_a_million_chunks_ends_the_publication(
    victim: RunningServer, others: Bystanders, stream: str
) -> None:
    with others.undisturbed(), RawClient(victim).connect() as client:
        stream_id = publish(client, victim, stream)
        say(client, in_bytes(6, MessageType.VIDEO, stream_id, key(0, bytes(1_200_000)).body))
        client.wait_until_closed()


def test_a_chunk_size_may_change_in_the_middle_of_a_message(
    victim: RunningServer, others: Bystanders, stream: str
) -> None:
    body = key(0, bytes(range(256)) * 20).body
    with others.undisturbed(), RawClient(victim).connect() as client:
        stream_id = publish(client, victim, stream)
        client.send(stream_id, MessageType.VIDEO, 0, video_config().body)
        begun = wire.chunks(Message(0, MessageType.VIDEO, stream_id, body), csid=6)[: 12 + 128]
        small = b"".join(b"\xc6" + body[start : start + 7] for start in range(128, 800, 7))
        client.say(begun + set_chunk_size(7) + small)
        client.say(set_chunk_size(2**31 - 1) + b"\xc6" + body[800:])
        with RtmpClient.playing(victim.play_url(stream)) as player:
            assert [message.payload for message in player.take(2)] == [video_config().body, body]
