"""Viewers that are slower than the stream: they skip, or are let go; nobody else notices."""

from __future__ import annotations

import time
from contextlib import ExitStack

from slipstream.media import Kind
from slipstream.rtmp import Message
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, METADATA, bodies, gop
from tests.raw_client import RawClient
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until

CEILING_MS = 1_000
STALL_S = 2
SETTINGS = f"[streams]\nlatency_ceiling_ms = {CEILING_MS}\nstall_s = {STALL_S}\n"
FILLING = 20_000  # bytes a picture: 4 Mbit/s
GOP_BYTES = 5 * FILLING
SECONDS = 5
SMALL_BUFFER = 16 << 10  # bytes that the kernel holds at a slow viewer's side
ALLOWED_LAG_MS = CEILING_MS + 3_000  # the kernel's buffers of both sides, and a busy machine


def player_of(server: RunningServer, stream: str) -> RawClient:
    """Somebody who has asked to play on message stream 1, through a small buffer."""
    player = RawClient(server, receive_buffer=SMALL_BUFFER).connect()
    player.command("play", 0, None, stream.removeprefix("live/"), stream_id=player.create_stream())
    return player


def test_a_slow_viewer_jumps_to_keyframes_and_stays_near(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings=SETTINGS)
    came: list[tuple[int, Message]] = []  # with the stream's time when it came
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        player_of(server, stream) as slow,
        RtmpClient.playing(server.play_url(stream)) as good,
    ):
        publisher.send(*CONFIGS, *gop(0))
        sent = [*CONFIGS, *gop(0)]
        good.take(len(sent))
        started = time.monotonic()
        for head_ms in range(GOP_MS, SECONDS * 1000, GOP_MS):
            frames = gop(head_ms, filling=FILLING)
            publisher.send(*frames)
            sent += frames
            assert bodies(good.take(len(frames))) == bodies(frames)
            came += ((head_ms + GOP_MS, message) for message in slow.hear_some(1, GOP_BYTES // 2))
            time.sleep(max(started + (head_ms + GOP_MS) / 1000 - time.monotonic(), 0))
        viewers = server.api(f"streams/{stream}")["viewers"]
    assert sorted(viewer["jumps"] > 0 for viewer in viewers) == [False, True]
    assert sorted(viewer["skipped_ms"] > 0 for viewer in viewers) == [False, True]
    assert max(head_ms - message.timestamp for head_ms, message in came) < ALLOWED_LAG_MS
    assert_clean_jumps([message for _, message in came], bodies(sent))


def assert_clean_jumps(came: list[Message], sent: list[bytes]) -> None:
    """Messages are those sent, in order; what follows a gap is a greeting, then a keyframe."""
    greeting = bodies(CONFIGS)
    gaps, position = 0, 0
    pictures = [message for message in came if message.payload not in greeting]
    for before, message in zip([None, *pictures], pictures, strict=False):
        place = sent.index(message.payload)
        if before is not None and place != position + 1:
            assert place > position
            assert message.type_id == Kind.VIDEO
            assert message.payload[0] == 0x17
            gaps += 1
        position = place
    assert gaps > 0
    assert bodies(came).count(METADATA.body) == gaps + 1


def test_viewers_that_never_read_are_closed_with_a_reason(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings=SETTINGS)
    with ExitStack() as stack:
        publisher = stack.enter_context(RtmpClient.publishing(server.publish_url(stream)))
        good = stack.enter_context(RtmpClient.playing(server.play_url(stream)))
        publisher.send(*CONFIGS, *gop(0))
        good.take(len(CONFIGS) + len(gop(0)))
        memory = server.memory_bytes()
        for _ in range(50):
            stack.enter_context(player_of(server, stream))
        server.wait_for_viewers(stream, 51)

        started = time.monotonic()
        for start_ms in range(GOP_MS, (STALL_S + 4) * 1000, GOP_MS):
            frames = gop(start_ms, filling=FILLING)
            publisher.send(*frames)
            assert bodies(good.take(len(frames))) == bodies(frames)
            time.sleep(max(started + start_ms / 1000 - time.monotonic(), 0))
        wait_until(
            lambda: server.stream(stream)["viewers"] == 1, "the end of those who do not read"
        )
        assert server.memory_bytes() - memory < 16 << 20
        server.wait_for_log(f"took nothing for {STALL_S} s")
