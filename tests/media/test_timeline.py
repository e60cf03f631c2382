"""Timeline: odd clocks by name, then any times at all."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.media.frame import Codec, Frame, Kind
from slipstream.media.timeline import (
    CLOCK,
    FRAME_MS,
    MAX_AHEAD_MS,
    MAX_BEHIND_MS,
    Timeline,
)


def video(ms: int, *, config: bool = False, track: int = 0) -> Frame:
    return Frame(Kind.VIDEO, Codec.H264, ms % CLOCK, 40, False, config, False, track, b"v")


def audio(ms: int, *, config: bool = False, track: int = 0) -> Frame:
    return Frame(Kind.AUDIO, Codec.AAC, ms % CLOCK, 0, False, config, False, track, b"a")


def data(ms: int) -> Frame:
    return Frame(Kind.DATA, Codec.DATA, ms % CLOCK, 0, False, False, False, 0, b"d")


def times(timeline: Timeline, *frames: Frame) -> list[int]:
    """Give the frames one by one; return the times that come out."""
    return [timeline.steady([frame])[0].dts_ms for frame in frames]


def interleaved(start: int, end: int) -> list[Frame]:
    """Pictures at 25 per second, sounds of 23 ms, in order of time."""
    frames = [video(ms) for ms in range(start, end, 40)]
    frames += [audio(ms) for ms in range(start, end, 23)]
    return sorted(frames, key=lambda frame: (frame.dts_ms - start) % CLOCK)


def seen(timeline: Timeline) -> dict[str, int]:
    """The counters that are not zero."""
    return {name: count for name, count in asdict(timeline.repairs).items() if count}


def test_ordinary_frames_pass_as_the_same_list() -> None:
    frames = [video(0, config=True), audio(0, config=True), *interleaved(0, 5_000)]
    timeline = Timeline()
    assert timeline.steady(frames) is frames
    assert seen(timeline) == {}


def test_an_empty_batch_is_fine() -> None:
    assert Timeline().steady([]) == []


def test_only_what_changes_is_made_anew() -> None:
    frames = [video(0), video(40), audio(0), video(20), audio(20)]
    steady = Timeline().steady(frames)
    assert [frame.dts_ms for frame in steady] == [0, 40, 0, 40, 20]
    assert all(steady[i] is frames[i] for i in (0, 1, 2, 4))
    assert steady[3] == frames[3]._replace(dts_ms=40)


def test_the_first_few_milliseconds_may_come_in_any_order() -> None:
    assert times(Timeline(), video(23), audio(0), audio(21), video(56)) == [23, 0, 21, 56]


@pytest.mark.parametrize("start", [5_000, 1 << 24, (1 << 31) - 20, 1 << 31, CLOCK - 20, -77])
def test_a_stream_begins_at_zero_wherever_its_clock_stands(start: int) -> None:
    frames = interleaved(start, start + 20_000)
    timeline = Timeline()
    steady = timeline.steady(frames)
    expected = [(frame.dts_ms - start) % CLOCK for frame in frames]
    assert [frame.dts_ms for frame in steady] == expected
    assert set(seen(timeline)) <= {"wraps"}


def test_the_32_bit_clock_wraps_unnoticed() -> None:
    timeline = Timeline()
    timeline.steady([video(ms) for ms in range(0, CLOCK, MAX_AHEAD_MS)])
    frames = interleaved(CLOCK - 1_000, CLOCK + 1_000)
    expected = [CLOCK - 1_000 + (frame.dts_ms + 1_000) % CLOCK for frame in frames]
    assert [frame.dts_ms for frame in timeline.steady(frames)] == expected
    assert seen(timeline) == {"wraps": 2}


@pytest.mark.parametrize("bits", [24, 31])
def test_shorter_clocks_wrap_unnoticed(bits: int) -> None:
    """HaishinKit writes the low 24 bits only, FFmpeg's FLV muxer 31."""
    clock = 1 << bits
    start = clock - 2_000
    frames = interleaved(start, start + 10_000)
    wrapped = [frame._replace(dts_ms=frame.dts_ms % clock) for frame in frames]
    timeline = Timeline()
    steady = timeline.steady(wrapped)
    assert [frame.dts_ms for frame in steady] == [frame.dts_ms - start for frame in frames]
    assert seen(timeline) == {"short_wraps": 1, "rejoins": 1}


def test_a_frame_slightly_late_gets_the_time_of_its_predecessor() -> None:
    timeline = Timeline()
    assert times(timeline, video(0), video(500), video(400), video(540)) == [0, 500, 500, 540]
    assert seen(timeline) == {"steps_back": 1}


def test_tracks_may_lie_apart() -> None:
    frames = [f for ms in range(0, 9_000, 40) for f in (video(ms + 2_000), audio(ms))]
    frames[0:0] = [audio(0)]
    assert Timeline().steady(frames) is frames


def test_a_pause_of_some_seconds_is_believed() -> None:
    frames = [video(0), audio(0), video(MAX_AHEAD_MS), audio(MAX_AHEAD_MS - 10)]
    assert Timeline().steady(frames) is frames


def test_a_track_may_rest_while_the_other_goes_on() -> None:
    frames = [video(0), *(audio(ms) for ms in range(0, 100_000, 23)), video(100_000)]
    assert Timeline().steady(frames) is frames


@pytest.mark.parametrize(
    ("jump", "counter"),
    [(3_600_000, "jumps_ahead"), ((1 << 31) + 60_000, "jumps_back"), (-5_000, "jumps_back")],
)
def test_both_tracks_go_on_after_a_jump_and_stay_together(jump: int, counter: str) -> None:
    timeline = Timeline()
    timeline.steady(interleaved(0, 60_000))
    frames = interleaved(60_000 + jump, 62_000 + jump)
    steady = timeline.steady(frames)
    starts = {frame.dts_ms - source.dts_ms for frame, source in zip(steady, frames, strict=True)}
    assert len({start % CLOCK for start in starts}) == 1
    assert 59_990 <= steady[0].dts_ms <= 60_100
    assert seen(timeline) == {counter: 1, "rejoins": 1}


def test_sound_that_jumps_later_than_the_picture_follows_it() -> None:
    timeline = Timeline()
    timeline.steady(interleaved(0, 5_000))
    late = [audio(ms) for ms in range(5_000, 5_060, 23)]
    times(timeline, video(100_000), *late, video(100_040))
    picture, sound = times(timeline, video(100_080), audio(100_090))
    assert sound - picture == 10
    assert seen(timeline) == {"jumps_ahead": 1, "rejoins": 1}


def test_tracks_with_clocks_of_their_own_are_brought_together() -> None:
    frames = [f for ms in range(0, 5_000, 40) for f in (video(ms), audio(ms + 1_700_000_000))]
    timeline = Timeline()
    steady = timeline.steady(frames)
    assert all(
        abs(a.dts_ms - v.dts_ms) <= FRAME_MS for v, a in zip(steady[::2], steady[1::2], strict=True)
    )
    assert seen(timeline) == {"jumps_ahead": 1}


def test_tracks_that_drift_apart_are_pulled_together_now_and_then() -> None:
    frames = [f for i in range(60_000) for f in (video(i * 44), audio(i * 40))]
    timeline = Timeline()
    steady = timeline.steady(frames)
    apart = [v.dts_ms - a.dts_ms for v, a in zip(steady[::2], steady[1::2], strict=True)]
    assert max(apart) <= MAX_BEHIND_MS
    assert min(apart) >= -FRAME_MS
    assert 10 < timeline.repairs.drifts < 30


@pytest.mark.parametrize("other", [0, 1 << 31, 3_600_000, CLOCK - 100])
def test_alternating_nonsense_keeps_its_pace(other: int) -> None:
    frames = [f for i in range(500) for f in (video(40_000 + i * 40), video(other))]
    steady = Timeline().steady(frames)
    steps = [b.dts_ms - a.dts_ms for a, b in pairwise(steady)]
    assert min(steps) >= 0
    assert max(steps[3:]) <= 80
    assert 500 * 30 <= steady[-1].dts_ms <= 1_000 * 80


def test_nonsense_on_both_tracks_does_not_make_time_run_faster() -> None:
    frames = []
    for i in range(1_000):
        noise = i * 7_919_000_000
        frames += [video(noise), audio(noise + 1_234_567_890)]
    steady = Timeline().steady(frames)
    assert steady[-1].dts_ms <= 1_000 * (FRAME_MS + 1)


def test_another_publisher_continues_after_the_newest_time() -> None:
    timeline = Timeline()
    timeline.steady(interleaved(0, 10_000))
    timeline.restart()
    frames = [data(0), video(0, config=True), audio(0, config=True), *interleaved(0, 1_000)]
    steady = timeline.steady(frames)
    newest = 9_982  # the last sound
    assert [frame.dts_ms for frame in steady[:3]] == [newest] * 3
    assert [f.dts_ms - s.dts_ms for f, s in zip(steady[3:], frames[3:], strict=True)] == [
        newest + FRAME_MS
    ] * len(steady[3:])
    assert seen(timeline) == {}


def test_a_restart_before_the_first_frame_changes_nothing() -> None:
    timeline = Timeline()
    timeline.restart()
    frames = interleaved(0, 1_000)
    assert timeline.steady(frames) is frames


def test_a_publisher_that_comes_back_with_its_old_clock_continues_too() -> None:
    timeline = Timeline()
    timeline.steady(interleaved(0, 10_000))
    timeline.restart()
    steady = timeline.steady(interleaved(25_000, 26_000))
    assert steady[0].dts_ms == 9_982 + FRAME_MS


def test_configurations_move_nothing() -> None:
    timeline = Timeline()
    timeline.steady(interleaved(0, 5_000))
    assert times(timeline, video(0, config=True), audio(3_000_000, config=True)) == [4_960, 4_991]
    frames = interleaved(5_000, 6_000)
    assert timeline.steady(frames) is frames
    assert seen(timeline) == {"strays": 2}


def test_a_configuration_with_the_time_of_its_picture_keeps_it() -> None:
    timeline = Timeline()
    frames = [*interleaved(0, 1_000), audio(1_020), video(1_000, config=True), video(1_000)]
    assert timeline.steady(frames) is frames


def test_a_configuration_before_all_frames_is_at_the_beginning() -> None:
    frames = [data(7_000), video(7_000, config=True), video(7_000), video(7_040)]
    assert [frame.dts_ms for frame in Timeline().steady(frames)] == [0, 0, 0, 40]


def test_data_messages_move_nothing() -> None:
    timeline = Timeline()
    timeline.steady(interleaved(0, 5_000))
    assert times(timeline, data(5_100), data(0), data(9_000_000), data(5_100)) == [
        5_100,
        5_100,
        5_100,
        5_100,
    ]
    frames = interleaved(5_000, 6_000)
    assert timeline.steady(frames) is frames


ODD = st.one_of(
    st.integers(0, CLOCK - 1),
    st.integers(0, 5_000),
    st.sampled_from([0, 1 << 24, (1 << 24) - 1, 1 << 31, (1 << 31) - 1, CLOCK - 1]),
)
STEP = st.one_of(st.integers(-2_000, 12_000), st.integers(-60, 60), ODD)
FRAME = st.builds(
    lambda kind, ms, config, track: Frame(
        kind, Codec.UNKNOWN, ms, 0, False, config, False, track, b"x"
    ),
    st.sampled_from(Kind),
    ODD,
    st.sampled_from([False] * 5 + [True]),
    st.sampled_from([0] * 4 + [1]),
)


def check(timeline: Timeline, frames: list[Frame]) -> None:
    """Every promise that holds whatever comes in."""
    newest, lasts = 0, dict[tuple[Kind, int], int]()
    for frame in frames:
        (steady,) = timeline.steady([frame])
        assert steady == frame._replace(dts_ms=steady.dts_ms)
        key = (frame.kind, frame.track if frame.kind is not Kind.DATA else 0)
        assert steady.dts_ms >= lasts.get(key, 0)
        assert -MAX_BEHIND_MS <= steady.dts_ms - newest <= MAX_AHEAD_MS or frame.config
        lasts[key] = steady.dts_ms
        newest = max(newest, steady.dts_ms)


@given(st.lists(FRAME, max_size=60))
def test_any_times_come_out_in_order_and_close_together(frames: list[Frame]) -> None:
    check(Timeline(), frames)


@given(ODD, st.lists(st.tuples(FRAME, STEP), max_size=60))
def test_any_steps_come_out_in_order_and_close_together(
    ms: int, steps: list[tuple[Frame, int]]
) -> None:
    frames = []
    for frame, step in steps:
        ms = (ms + step) % CLOCK
        frames.append(frame._replace(dts_ms=ms))
    check(Timeline(), frames)


@given(st.lists(FRAME, max_size=40), st.lists(FRAME, max_size=40))
def test_nothing_goes_back_when_another_publisher_takes_over(
    old: list[Frame], new: list[Frame]
) -> None:
    timeline = Timeline()
    newest = max((f.dts_ms for f in timeline.steady(old)), default=0)
    timeline.restart()
    assert all(frame.dts_ms >= newest for frame in timeline.steady(new))


@given(st.lists(FRAME, max_size=40), st.data())
def test_batches_make_no_difference(frames: list[Frame], draw: st.DataObject) -> None:
    cut = draw.draw(st.integers(0, len(frames)))
    whole, parts = Timeline(), Timeline()
    expected = list(whole.steady(frames))
    assert [*parts.steady(frames[:cut]), *parts.steady(frames[cut:])] == expected
    assert parts.repairs == whole.repairs
