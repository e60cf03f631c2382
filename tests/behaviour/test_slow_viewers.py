"""Viewers that are slower than the stream: they skip, or are let go; nobody else notices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

from slipstream.media import Frame
from slipstream.rtmp import Message, MessageType
from tests.behaviour.conftest import OpenServer
from tests.behaviour.judging import judge
from tests.behaviour.pictures import CONFIGS, CONFIGS_AGAIN, GOP_MS, bodies, gop
from tests.behaviour.visits import on_air
from tests.raw_client import RawClient
from tests.server import RunningServer, wait_until

CEILING_MS = 1_000
STALL_S = 2
SETTINGS = f"[streams]\nlatency_ceiling_ms = {CEILING_MS}\nstall_s = {STALL_S}\n"
FILLING = 20_000  # bytes a picture: 4 Mbit/s
GOP_BYTES = 5 * FILLING
SECONDS = 6
SMALL_BUFFER = 16 << 10  # bytes that the kernel holds at a slow viewer's side
ALLOWED_LAG_MS = CEILING_MS + 3_000  # the kernel's buffers of both sides, and a busy machine
MAX_GROWTH = 24 << 20  # bytes: the stream's own 3 MB, and what Python has used in between


def player_of(server: RunningServer, stream: str) -> RawClient:
    """Somebody who has asked to play on message stream 1, through a small buffer."""
    player = RawClient(server, receive_buffer=SMALL_BUFFER).connect()
    player.command("play", 0, None, stream.removeprefix("live/"), stream_id=player.create_stream())
    return player


def real_time(seconds: float) -> Iterator[list[Frame]]:
    """GOPs of 4 Mbit/s, each when it is due."""
    started = time.monotonic()
    for start_ms in range(GOP_MS, int(seconds * 1000), GOP_MS):
        time.sleep(max(started + start_ms / 1000 - time.monotonic(), 0))
        yield gop(start_ms, filling=FILLING)


def test_a_viewer_at_half_the_bitrate_skips_pictures_or_jumps_and_stays_near(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings=SETTINGS)
    sent = [*CONFIGS, *gop(0)]
    came: list[Message] = []
    worst_lag_ms = 0
    with on_air(server, stream) as station, player_of(server, stream) as slow:
        server.wait_for_viewers(stream, 2)
        for frames in real_time(SECONDS):
            station.send(*frames)  # a good viewer gets all of them
            sent += frames
            for message in slow.hear_some(1, GOP_BYTES // 2):
                came.append(message)
                if message.type_id == MessageType.DATA:
                    continue  # metadata has no time
                worst_lag_ms = max(worst_lag_ms, frames[-1].dts_ms - message.timestamp)
        viewers = server.stream(stream)["viewers"]
    assert viewers == 2
    assert worst_lag_ms < ALLOWED_LAG_MS
    got = judge(bodies(came)[len(CONFIGS) :], sent, CONFIGS_AGAIN)
    assert got.missing or got.jumps


def test_viewers_that_never_read_are_closed_with_a_reason(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings=SETTINGS)
    with on_air(server, stream) as station, ExitStack() as stack:
        memory = server.memory_bytes()
        for _ in range(50):
            stack.enter_context(player_of(server, stream))
        server.wait_for_viewers(stream, 51)
        for frames in real_time(STALL_S + 4):
            station.send(*frames)
        wait_until(lambda: server.stream(stream)["viewers"] == 1, "the end of the stalled")
        assert server.memory_bytes() - memory < MAX_GROWTH
        assert server.log().count(f"took nothing for {STALL_S} s") >= 1
