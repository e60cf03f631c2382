"""The figures of viewers over real sockets: one that keeps up, and one that does not read."""

from __future__ import annotations

from slipstream.formats import Flag, RtmpFormat
from slipstream.net.served import ServedFigures
from tests.net.stage import Stage, fill, until


def picture(stage: Stage, size: int = 100, *, sync: bool = False) -> None:
    stage.put(bytes(size), sync=sync, flags=Flag.VIDEO | (Flag.KEYFRAME if sync else 0))


def figures(stage: Stage, number: int) -> ServedFigures:
    return ServedFigures.of(stage.viewers[number].cursor, RtmpFormat(stage.log))


def test_of_one_who_waits_nothing_is_known() -> None:
    nothing = ServedFigures.of(None, None)
    assert (nothing.score, nothing.startup_ms, nothing.rtt_ms) == (None, None, None)
    assert nothing.served() == {}


async def test_one_who_gets_everything_has_all_pictures_and_a_good_score(stage: Stage) -> None:
    picture(stage, sync=True)
    viewer = stage.viewer()
    for _ in range(50):
        picture(stage)
    await viewer.take(51 * 100)
    await until(lambda: viewer.cursor.lag_ms() == 0)
    fares = figures(stage, 0)
    assert fares.frame_rate == fares.stream_frame_rate == 25
    assert fares.score == 100
    assert fares.startup_ms is not None
    assert 0 <= fares.startup_ms < 500
    assert fares.keyframe_ms is not None
    assert fares.keyframe_ms >= fares.startup_ms
    assert fares.rtt_ms is not None
    assert fares.served().keys() == {"startup_ms", "rtt_ms", "retransmits", "score"}


async def test_what_was_left_out_makes_fewer_pictures_and_a_worse_score(stage: Stage) -> None:
    picture(stage, sync=True)
    viewer = stage.viewer()
    for _ in range(100):
        picture(stage)
    await viewer.take(101 * 100)
    await until(lambda: viewer.cursor.lag_ms() == 0)
    viewer.cursor.dropped_frames = 10
    viewer.cursor.skipped_ms = 400
    fares = figures(stage, 0)
    assert fares.stream_frame_rate == 25
    assert fares.frame_rate == 20
    assert fares.score == 60


async def test_one_who_takes_nothing_lags_and_has_a_worse_score(stage: Stage) -> None:
    picture(stage, sync=True)
    viewer = stage.viewer(receive_buffer=4096, ceiling_ms=1000)
    await viewer.take(100)
    await fill(stage, viewer)
    for _ in range(60):
        picture(stage, 50_000)
    fares = figures(stage, 0)
    assert fares.lag_ms > 1000
    assert fares.score is not None
    assert fares.score <= 75
    assert fares.frame_rate is not None
    assert fares.stream_frame_rate is not None
    assert fares.frame_rate < fares.stream_frame_rate


async def test_a_jump_begins_no_new_start(stage: Stage) -> None:
    picture(stage, sync=True)
    viewer = stage.viewer()
    await viewer.take(100)
    first = figures(stage, 0).startup_ms
    assert first is not None
    picture(stage, sync=True)
    viewer.cursor.jump()
    await viewer.take(200)
    assert figures(stage, 0).startup_ms == first
