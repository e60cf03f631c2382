"""Times that encoders send, and times that viewers get: these never go back, nor run away."""

from __future__ import annotations

import pytest

from slipstream.media import Kind
from slipstream.rtmp import Message
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer

WRAP = 2**32


def watched(server: RunningServer, stream: str, starts_ms: list[int]) -> list[Message]:
    """Publish GOPs that begin at these times; what a viewer gets of them."""
    sent = [frame for start_ms in starts_ms for frame in gop(start_ms)]
    with (
        RtmpClient.playing(server.play_url(stream)) as player,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        configs = [config._replace(dts_ms=starts_ms[0] % WRAP) for config in CONFIGS]
        publisher.send(*configs, *sent)
        came = player.take(len(CONFIGS) + len(sent))
    assert bodies(came) == bodies([*CONFIGS, *sent])
    return [message for message in came[len(CONFIGS) :] if message.type_id != Kind.DATA]


@pytest.mark.parametrize(
    "start_ms", [0, 2**24 - 100, 2**24 + 7, 2**31 - 100, 2**31 + 7, WRAP - 100]
)
def test_a_stream_begins_at_zero_wherever_its_encoder_does(
    server: RunningServer, stream: str, start_ms: int
) -> None:
    came = watched(server, stream, [start_ms, start_ms + GOP_MS])
    times = [message.timestamp for message in came]
    assert times == [frame.dts_ms for start in (0, GOP_MS) for frame in gop(start)]


@pytest.mark.parametrize("jump_ms", [-5_000, -(2**31) + 1, 60_000, 2**31 - 1])
def test_a_jump_of_the_encoders_clock_is_no_jump_for_viewers(
    server: RunningServer, stream: str, jump_ms: int
) -> None:
    start_ms = 10_000
    came = watched(server, stream, [start_ms, (start_ms + GOP_MS + jump_ms) % WRAP])
    times = [message.timestamp for message in came]
    assert times == sorted(times)
    assert times[-1] < 2 * GOP_MS + 100
