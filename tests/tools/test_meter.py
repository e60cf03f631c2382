"""The meter: rates, gaps, delay and jitter, by a clock that the tests hold."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from slipstream.media import Codec, Frame, Kind
from slipstream.tools.meter import StreamMeter, TrackMeter


def video(dts_ms: int, *, size: int = 100, keyframe: bool = False, config: bool = False) -> Frame:
    body = bytes(size)
    return Frame(Kind.VIDEO, Codec.H264, dts_ms % 2**32, 0, keyframe, config, False, 0, body)


def audio(dts_ms: int, *, track: int = 0) -> Frame:
    return Frame(Kind.AUDIO, Codec.AAC, dts_ms, 0, False, False, False, track, bytes(50))


def fed(times_ms: Iterable[int], *, late_ms: float = 0, begin_ms: int = 0) -> TrackMeter:
    """A track whose frames come when they are due, or a little late."""
    meter = TrackMeter()
    for time_ms in times_ms:
        meter.count(video(begin_ms + time_ms), (time_ms + late_ms) / 1000)
    return meter


def test_a_steady_stream_has_its_rates_and_nothing_else() -> None:
    meter = fed(range(0, 5_000, 40))
    bits_per_s, frames_per_s = meter.rates(4.96)
    assert frames_per_s == pytest.approx(25, rel=0.03)
    assert bits_per_s == pytest.approx(100 * 8 * 25, rel=0.03)
    assert (meter.gaps, meter.lost_ms, meter.jitter_ms, meter.delay_ms()) == (0, 0, 0, 0)
    assert meter.mean_frame_ms() == 40


def test_what_a_server_had_kept_comes_at_once_and_is_no_higher_rate() -> None:
    meter = TrackMeter()
    for time_ms in range(0, 2_000, 40):
        meter.count(video(time_ms), 0.0)
    assert meter.rates(0.0)[1] == pytest.approx(25)
    for time_ms in range(2_000, 6_000, 40):
        meter.count(video(time_ms), (time_ms - 2_000) / 1000)
    assert meter.rates(3.96)[1] == pytest.approx(25, rel=0.03)
    assert meter.jitter_ms == 0
    assert meter.delay_ms() == 0


def test_rates_fall_when_nothing_comes_any_more() -> None:
    meter = fed(range(0, 5_000, 40))
    assert meter.rates(5.96)[1] == pytest.approx(12.5, rel=0.1)
    assert meter.rates(9)[1] == 0


def test_a_step_that_is_too_long_is_a_gap() -> None:
    meter = fed([*range(0, 1_000, 40), *range(2_000, 3_000, 40)])
    assert (meter.gaps, meter.lost_ms) == (1, 1_000)
    assert meter.mean_frame_ms() == pytest.approx(40)


def test_a_step_back_is_a_gap_and_time_goes_on() -> None:
    meter = fed([*range(5_000, 6_000, 40), *range(0, 1_000, 40)])
    assert (meter.gaps, meter.lost_ms) == (1, 0)
    assert meter.media_ms == 960 + 40 + 960


def test_a_slow_stream_has_no_gaps() -> None:
    assert fed(range(0, 20_000, 1_000)).gaps == 0


def test_a_timestamp_that_wraps_is_no_gap() -> None:
    meter = fed(range(0, 4_000, 40), begin_ms=2**32 - 2_000)
    assert (meter.gaps, meter.media_ms) == (0, 3_960)


def test_delay_is_counted_from_the_earliest_frame() -> None:
    meter = fed(range(0, 4_000, 40))
    for time_ms in range(4_000, 8_000, 40):
        meter.count(video(time_ms), (time_ms + 500) / 1000)
    assert meter.delay_ms() == pytest.approx(500)


def test_jitter_settles_at_the_mean_change_of_delay() -> None:
    meter = TrackMeter()
    for index, time_ms in enumerate(range(0, 20_000, 40)):
        meter.count(video(time_ms), (time_ms + 10 * (index % 2)) / 1000)
    assert meter.jitter_ms == pytest.approx(10, rel=0.01)


def test_the_keyframes_are_remembered() -> None:
    meter = TrackMeter()
    for time_ms in range(0, 3_000, 40):
        meter.count(video(time_ms, keyframe=time_ms % 1_000 == 0), time_ms / 1000)
    assert list(meter.keyframes_ms) == [0, 1_000, 2_000]


def test_memory_does_not_grow_when_nobody_looks() -> None:
    meter = fed(range(0, 60_000, 40))
    assert len(meter._window) <= 51


def test_a_stream_is_told_by_its_pictures() -> None:
    stream = StreamMeter()
    for time_ms in range(0, 2_000, 20):
        stream.count(audio(time_ms), time_ms / 1000)
        stream.count(audio(time_ms, track=1), time_ms / 1000)
        if time_ms % 40 == 0:
            stream.count(video(time_ms), time_ms / 1000)
    figures = stream.figures(1.98)
    assert figures.frames_per_s == pytest.approx(25, rel=0.05)
    assert figures.bits_per_s == pytest.approx(8 * (25 * 100 + 2 * 50 * 50), rel=0.05)
    assert stream.media_ms == 1_980


def test_a_stream_without_pictures_is_told_by_its_sound() -> None:
    stream = StreamMeter()
    for time_ms in range(0, 2_000, 20):
        stream.count(audio(time_ms), time_ms / 1000)
    assert stream.figures(1.98).frames_per_s == pytest.approx(50, rel=0.05)


def test_configurations_count_for_nothing() -> None:
    stream = StreamMeter()
    stream.count(video(0, config=True), 0)
    assert (stream.tracks, stream.bytes, stream.media_ms) == ({}, 0, 0)
    assert stream.figures(0) == (0, 0, 0, 0, 0, 0)
