"""What real clients said, replayed: see `tests/captures/README.md`.

A client waits for the answer to its `connect`, `publish` and `play`, so a replay gives nothing
beyond such a question before it was answered. Within these bounds bytes may be cut anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.media import FlvParser, Kind, parse_tag
from slipstream.rtmp import (
    BufferLengthSet,
    ConnectRequested,
    Event,
    HandshakeDone,
    MediaReceived,
    Message,
    PlayEnded,
    PlayMode,
    PlayRequested,
    PlayStart,
    PublishEnded,
    PublishRequested,
    ServerConnection,
)
from tests.rtmp.wire import random_bytes

FOLDER = Path(__file__).parents[1] / "captures"
SLOW_BYTES = 8_000  # given one by one: all that is not media, and the beginning of that

FFMPEG_5, FFMPEG_8 = (
    f"FMLE/3.0 (compatible; Lavf{version})" for version in ("59.27.100", "62.12.102")
)
FLASH_9, FLASH_10, NGINX = "LNX 9,0,124,2", "LNX 10,0,32,18", "LNX.11,1,102,55"
PUBLISHED = {  # what the client calls itself, the film that it sends
    "publish-ffmpeg-5": (FFMPEG_5, "h264-aac"),
    "publish-ffmpeg-8": (FFMPEG_8, "h264-aac"),
    "publish-ffmpeg-8-h265": (FFMPEG_8, "h265-aac"),
    "publish-ffmpeg-8-av1": (FFMPEG_8, "av1-opus"),
    "publish-gstreamer": (FLASH_10, "h264-aac"),
    "publish-librtmp": ("", "h264-aac"),
    "publish-nginx-rtmp": (NGINX, "h264-aac"),
}
PLAYED = {  # what the client calls itself, what it wants to see, what follows
    "play-ffmpeg-5": (FLASH_9, PlayMode.ANY, [BufferLengthSet(1, 3_000)]),
    "play-ffmpeg-8": (FLASH_9, PlayMode.ANY, [BufferLengthSet(1, 3_000)]),
    "play-rtmpdump": (FLASH_10, PlayMode.RECORDED, [BufferLengthSet(1, 36_000_000), PlayEnded(1)]),
    "play-gstreamer": (FLASH_10, PlayMode.ANY, [BufferLengthSet(1, 30_000)]),
    "play-nginx-rtmp": (NGINX, PlayMode.ANY, [BufferLengthSet(1, 5_000)]),
}
COLOURS = 0xD4  # how Enhanced RTMP's metadata packets begin with FFmpeg
CAPTURES = [*PUBLISHED, *PLAYED]
CLOSES_ONLY = {"publish-nginx-rtmp"}  # and does not take leave
COMES_LATE = {"publish-nginx-rtmp"}  # and misses the film's beginning


class Replay:
    """Answers every question with yes."""

    def __init__(self) -> None:
        self.connection = ServerConnection(random_bytes=random_bytes)
        self.events: list[Event] = []
        self.media: list[Message] = []
        self.answers = b""

    def receive(self, data: bytes) -> bool:
        """Take what the client said; True if it asked something, which is now answered."""
        asked = False
        for event in self.connection.receive_data(data):
            if isinstance(event, MediaReceived):
                self.media += event.messages
                continue
            self.events.append(event)
            asked |= self._answer(event)
        assert self.connection.error is None
        self.answers += self.connection.data_to_send()
        return asked

    def _answer(self, event: Event) -> bool:
        match event:
            case ConnectRequested():
                return self.connection.accept_connect()
            case PublishRequested(stream_id=stream_id):
                return self.connection.accept_publish(stream_id)
            case PlayRequested(stream_id=stream_id):
                return self.connection.accept_play(stream_id)
        return False


@cache
def turns(name: str) -> tuple[bytes, ...]:
    """What the client said, cut where it waited for an answer."""
    data = (FOLDER / f"{name}.rtmp").read_bytes()
    replay = Replay()
    head = range(min(SLOW_BYTES, len(data)))
    cuts = [at + 1 for at in head if replay.receive(data[at : at + 1])]
    return tuple(data[start:end] for start, end in pairwise([0, *cuts, len(data)]))


@cache
def whole(name: str) -> Replay:
    """The replay with every turn given at once."""
    return replayed(turns(name))


def replayed(pieces: Iterable[bytes]) -> Replay:
    replay = Replay()
    for piece in pieces:
        replay.receive(piece)
    return replay


def film_bodies(name: str, kind: Kind) -> list[bytes]:
    """Sound or pictures of a film, configurations included."""
    tags = FlvParser().receive_data((FOLDER / f"{name}.flv").read_bytes())
    return [tag.body for tag in tags if tag.type_id == kind]


def configs_and_coded(kind: Kind, bodies: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Sort bodies. FFmpeg writes colours anew when it copies, so these are left out."""
    configs = [body for body in bodies if parse_tag(kind, 0, body).config]
    coded = [body for body in bodies if body not in configs]
    return [body for body in configs if body[0] != COLOURS], coded


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_publisher_is_understood(name: str) -> None:
    flash_ver, _ = PUBLISHED[name]
    connect, publish, *rest = whole(name).events[1:]
    assert whole(name).events[0] == HandshakeDone()
    assert isinstance(connect, ConnectRequested)
    assert (connect.app, connect.flash_ver) == ("live", flash_ver)
    assert publish == PublishRequested(1, "film", "key=secret", "live")
    assert rest == ([] if name in CLOSES_ONLY else [PublishEnded(1)])


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_publishers_media_is_the_film_that_it_sent(name: str) -> None:
    media = whole(name).media
    assert media[0].type_id == Kind.DATA  # onMetaData comes first
    assert {message.stream_id for message in media} == {1}
    for kind in (Kind.AUDIO, Kind.VIDEO):
        bodies = [message.payload for message in media if message.type_id == kind]
        configs, coded = configs_and_coded(kind, bodies)
        sent_configs, sent = configs_and_coded(kind, film_bodies(PUBLISHED[name][1], kind))
        assert configs == sent_configs
        assert coded == (sent[-len(coded) :] if name in COMES_LATE else sent)


@pytest.mark.parametrize("name", PLAYED)
def test_a_player_is_understood(name: str) -> None:
    flash_ver, mode, rest = PLAYED[name]
    handshake, connect, play, *others = whole(name).events
    assert handshake == HandshakeDone()
    assert isinstance(connect, ConnectRequested)
    assert (connect.app, connect.flash_ver) == ("live", flash_ver)
    assert play == PlayRequested(1, "film", "", PlayStart(mode), None, reset=True)
    assert others == rest
    assert whole(name).media == []


@pytest.mark.parametrize("name", CAPTURES)
def test_nothing_of_it_is_dropped_or_ignored(name: str) -> None:
    connection = whole(name).connection
    assert (connection.messages_dropped, connection.commands_ignored) == (0, 0)


@pytest.mark.parametrize("name", CAPTURES)
def test_bytes_may_come_one_by_one(name: str) -> None:
    data = b"".join(turns(name))
    head = [data[at : at + 1] for at in range(min(SLOW_BYTES, len(data)))]
    assert_same(replayed([*head, data[SLOW_BYTES:]]), whole(name))


@pytest.mark.parametrize("name", CAPTURES)
@settings(max_examples=15)
@given(seed=st.randoms(use_true_random=False), pieces=st.integers(2, 200))
def test_bytes_may_be_cut_anywhere(name: str, seed: Random, pieces: int) -> None:
    cut: list[bytes] = []
    for turn in turns(name):
        cuts = sorted(seed.randrange(len(turn) + 1) for _ in range(pieces))
        cut += (turn[start:end] for start, end in pairwise([0, *cuts, len(turn)]))
    assert_same(replayed(cut), whole(name))


def assert_same(one: Replay, other: Replay) -> None:
    assert one.events == other.events
    assert one.media == other.media
    assert one.answers == other.answers
