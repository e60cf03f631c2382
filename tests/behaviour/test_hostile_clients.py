"""What those get who mean harm or know no better, and that nobody else notices.

After each of them a normal client publishes and plays, another stream has run all the while, and
memory and descriptors have come back.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from slipstream.amf import build_amf0
from slipstream.rtmp import Message, MessageType
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.raw_client import RawClient
from tests.rtmp import wire
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, running_server, wait_until

# Short, so that nobody has to wait for deadlines.
SETTINGS = """
[net]
handshake_s = 1
connect_s = 1
request_s = 1

[streams]
grace_s = 0
wait_s = 1
"""
MAX_GROWTH = 64 << 20  # bytes
MAX_GAP_S = 1.5  # in the other stream; a blocked server would show, a busy machine should not
MAX_CPU_S = 5.0
OTHER_STREAM = "live/other"


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("victim"), settings=SETTINGS) as server:
        server.check = publish_and_play  # warm up what is only made once
        publish_and_play(server, "live/warm")
        yield server


def publish_and_play(server: RunningServer, stream: str) -> None:
    """What a normal client does; its bytes arrive unchanged."""
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RtmpClient.playing(server.play_url(stream)) as player,
    ):
        wanted = [*CONFIGS, *gop(0), *gop(GOP_MS, filling=10_000)]
        publisher.send(*wanted)
        assert bodies(player.take(len(wanted))) == bodies(wanted)


class OtherStream:
    """Somebody publishes and somebody watches while others attack."""

    def __init__(self, server: RunningServer) -> None:
        self.worst_gap_s = 0.0
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> OtherStream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with (
            RtmpClient.publishing(self._server.publish_url(OTHER_STREAM)) as publisher,
            RtmpClient.playing(self._server.play_url(OTHER_STREAM)) as player,
        ):
            publisher.send(*CONFIGS)
            start_ms, greeting = 0, len(CONFIGS)
            while not self._stop.is_set():
                frames = gop(start_ms)
                before = time.monotonic()
                publisher.send(*frames)
                came = player.take(greeting + len(frames))
                self.worst_gap_s = max(self.worst_gap_s, time.monotonic() - before)
                assert bodies(came[greeting:]) == bodies(frames)
                greeting = 0
                start_ms += GOP_MS
                self._stop.wait(0.1)


@contextmanager
def nobody_else_notices(server: RunningServer, stream: str) -> Iterator[None]:
    """Attack in this block."""
    memory, descriptors, cpu_s = server.memory_bytes(), server.descriptors(), server.cpu_s()
    with OtherStream(server) as other:
        yield
        publish_and_play(server, stream)
    assert other.worst_gap_s < MAX_GAP_S
    wait_until(lambda: server.descriptors() <= descriptors, "the return of descriptors")
    assert server.memory_bytes() - memory < MAX_GROWTH
    assert server.cpu_s() - cpu_s < MAX_CPU_S


# Those who never come to the point


def dribble(server: RunningServer) -> None:
    with RawClient(server) as client, pytest.raises(OSError):  # noqa: PT011
        for octet in wire.HANDSHAKE:
            client.say(bytes([octet]))
            time.sleep(0.02)


def say_nothing(server: RunningServer) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(RawClient(server)) for _ in range(50)]
        for client in clients:
            client.wait_until_closed()


def ping_for_ever(server: RunningServer) -> None:
    with RawClient(server) as client, pytest.raises(OSError):  # noqa: PT011
        client.say(wire.HANDSHAKE)
        while True:
            client.say(wire.user_control(6, 1))
            time.sleep(0.05)


def connect_and_no_more(server: RunningServer) -> None:
    with RawClient(server).connect() as client:
        client.wait_until_closed()


def knock_thousands_of_times(server: RunningServer) -> None:
    for _ in range(3000):
        RawClient(server).close()
    with ExitStack() as stack:
        for _ in range(600):  # more than may be pending
            stack.enter_context(RawClient(server))


@pytest.mark.parametrize(
    "attack",
    [dribble, say_nothing, ping_for_ever, connect_and_no_more, knock_thousands_of_times],
)
def test_who_never_comes_to_the_point_is_closed(
    attack: Callable[[RunningServer], None], victim: RunningServer, stream: str
) -> None:
    with nobody_else_notices(victim, stream):
        attack(victim)


# Those who send what cannot be


def header(csid: int, length: int, type_id: int, stream_id: int = 0) -> bytes:
    """A type 0 chunk header, to be followed by whatever."""
    return (
        bytes([csid])
        + bytes(3)
        + length.to_bytes(3)
        + bytes([type_id])
        + stream_id.to_bytes(4, "little")
    )


def deep(levels: int) -> bytes:
    """An AMF0 object in an object in an object."""
    return wire.chunks(
        Message(0, MessageType.COMMAND, 0, build_amf0("connect", 1) + b"\x03\0\1a" * levels)
    )


def amf(payload: bytes) -> bytes:
    return wire.chunks(Message(0, MessageType.COMMAND, 0, build_amf0("connect", 1.0) + payload))


def set_chunk_size(size: int) -> bytes:
    return wire.control(MessageType.SET_CHUNK_SIZE, size)


MANY_KEYS = b"\x03" + b"".join(b"\0\5%05d\5" % number for number in range(8_000)) + b"\0\0\x09"
SAID_FIRST = {  # right after the handshake
    "many large messages begun": b"".join(
        header(csid, 0xFFFFFF, 20) + bytes(128) for csid in range(3, 64)
    ),
    "a large message begun": header(3, 0xFFFFFF, 9) + bytes(128),
    "chunk size 0": set_chunk_size(0),
    "chunk size 1": set_chunk_size(1) + wire.chunks(wire.Message(0, 20, 0, bytes(3000)), size=1),
    "chunk size 2**31 - 1": set_chunk_size(2**31 - 1) + header(3, 0xFFFFFF, 20) + bytes(100_000),
    "chunk size 2**31": set_chunk_size(2**31),
    "chunk size 2**32 - 1": set_chunk_size(2**32 - 1),
    "a header that changes a length half way": header(3, 500, 20) + bytes(128) + header(3, 900, 20),
    "a continuation of nothing": b"\xc3" + bytes(200),
    "a short control message": wire.chunks(Message(0, MessageType.SET_CHUNK_SIZE, 0, b"\0"), 2),
    "a long control message": wire.chunks(
        Message(0, MessageType.WINDOW_ACK_SIZE, 0, bytes(5000)), 2
    ),
    "objects 15 000 deep": deep(15_000),
    "an array of 2**32 - 1": amf(b"\x0a\xff\xff\xff\xff" + bytes(100)),
    "a map of 2**32 - 1": amf(b"\x08\xff\xff\xff\xff" + bytes(100)),
    "a string of 2**32 - 1": amf(b"\x0c\xff\xff\xff\xff" + bytes(100)),
    "8 000 keys": amf(MANY_KEYS),
    "references to itself": amf(b"\x03\0\1a\x07\0\0" * 100),
    "a command that is none": wire.chunks(Message(0, MessageType.COMMAND, 0, b"\xff" * 100)),
    "commands out of order": wire.command("publish", 1, None, "x", stream_id=9) * 50,
    "commands of wrong types": wire.command("connect", "x", 7.0) + wire.command("play", None, True),
    "10 000 commands": wire.command("releaseStream", 0, None) * 10_000,
    "aggregates": wire.chunks(Message(0, MessageType.AGGREGATE, 1, bytes(11 * 5_000))),
    "windows of 0 and 1": wire.control(5, 0) + wire.control(5, 1) + wire.control(3, 2**32 - 1) * 99,
    "noise": wire.random_bytes(60_000),
}


@pytest.mark.parametrize("said", SAID_FIRST.values(), ids=SAID_FIRST.keys())
def test_nonsense_is_answered_or_closed(said: bytes, victim: RunningServer, stream: str) -> None:
    with nobody_else_notices(victim, stream), ExitStack() as stack:
        clients = [stack.enter_context(RawClient(victim)) for _ in range(4)]
        for client in clients:
            client.say(wire.HANDSHAKE + said)
        for client in clients:
            client.wait_until_closed()  # at the deadline at the latest


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0\x01", b"PROXY TCP4 1.2.3.4", bytes(3073)],
)
def test_other_protocols_are_closed_at_once(said: bytes, victim: RunningServer) -> None:
    with RawClient(victim) as client:
        client.say(said)
        client.wait_until_closed()


# Those who may publish, and send what cannot be


def aggregate(tags: int, *, nested: bool = False, size: int = 1) -> bytes:
    """An aggregate of so many tags of sound."""
    kind = MessageType.AGGREGATE if nested else MessageType.AUDIO
    tag = struct.pack(">B3s3sB3s", kind, size.to_bytes(3), bytes(3), 0, bytes(3)) + b"\xaf"
    return (tag + (12).to_bytes(4)) * tags


SAID_LATER = {  # by somebody who publishes; type and body of a message
    "an aggregate of 60 000 tags": (MessageType.AGGREGATE, aggregate(60_000)),
    "aggregates in an aggregate": (MessageType.AGGREGATE, aggregate(10, nested=True)),
    "an aggregate of wrong sizes": (MessageType.AGGREGATE, aggregate(10, size=9_999_999)),
    "an empty picture": (MessageType.VIDEO, b""),
    "a picture of no codec": (MessageType.VIDEO, b"\x1f\xff\xff\xff\xff\xff"),
    "enhanced nonsense": (MessageType.VIDEO, b"\x96\xff\xff\xff\xff\xff\xff"),
    "metadata without end": (
        MessageType.DATA,
        build_amf0("@setDataFrame") + b"\x08\xff\xff\xff\xff",
    ),
    "metadata of 60 KB": (
        MessageType.DATA,
        build_amf0("@setDataFrame", "onMetaData", {"a": "b" * 60_000}),
    ),
    "deep metadata": (MessageType.DATA, build_amf0("onMetaData") + b"\x03\0\1a" * 15_000),
}


@pytest.mark.parametrize(("type_id", "body"), SAID_LATER.values(), ids=SAID_LATER.keys())
def test_nonsense_in_a_publication_harms_at_most_that(
    type_id: int, body: bytes, victim: RunningServer, stream: str
) -> None:
    name = f"{stream}?key={victim.key}".removeprefix("live/")
    with nobody_else_notices(victim, f"{stream}-next"), RawClient(victim).connect() as client:
        stream_id = client.create_stream()
        client.command("publish", 0, None, name, "live", stream_id=stream_id)
        client.hear_status("NetStream.Publish.Start")
        for _ in range(20):
            client.send(stream_id, type_id, 0, body)
        for kind, _, dts_ms, *_, good in [*CONFIGS, *gop(0)]:
            client.send(stream_id, kind, dts_ms, good)
        with RtmpClient.playing(victim.play_url(stream)) as player:
            assert gop(0)[0].body in bodies(player.take(len(CONFIGS) + 1))
