"""Reels and how they are played: endlessly, steadily, sound with its picture, grown or growing."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.media import (
    Codec,
    FlvTag,
    Frame,
    Kind,
    build_audio_tag,
    build_metadata,
    build_video_end,
)
from slipstream.transcode.reel import READY_S, Playback, Reel, frame_samples
from tests.hub.stage import audio_config, inter, key, sound, video_config

RATE = Fraction(25)
AAC_S = Fraction(1024, 44_100)  # of the configuration in `stage`


def tag(frame: Frame) -> FlvTag:
    return FlvTag(frame.kind, frame.dts_ms, frame.body)


def mark(number: int) -> bytes:
    return b"%d" % number


def pictures(first: int, count: int, gop: int = 50) -> list[FlvTag]:
    numbers = range(first, first + count)
    return [tag((inter if number % gop else key)(0, mark(number))) for number in numbers]


def sounds(first: int, count: int) -> list[FlvTag]:
    return [tag(sound(0, mark(number))) for number in range(first, first + count)]


def numbers(frames: list[Frame], kind: Kind) -> list[int]:
    start = 10 if kind is Kind.VIDEO else 4
    return [int(frame.body[start:]) for frame in frames if frame.kind is kind]


def times(frames: list[Frame], kind: Kind) -> list[int]:
    return [frame.dts_ms for frame in frames if frame.kind is kind]


def reel(picture_count: int = 50, sound_count: int | None = None, rate: Fraction = RATE) -> Reel:
    """A complete one, with as many sounds as it takes."""
    made = Reel(rate)
    if sound_count is None:
        sound_count = -(-picture_count / rate // AAC_S)
    configs = [video_config()] * bool(picture_count) + [audio_config()] * bool(sound_count)
    made.add([*map(tag, configs), *pictures(0, picture_count), *sounds(0, sound_count)])
    made.finish()
    return made


def test_it_is_played_from_its_beginning_over_and_over() -> None:
    frames = Playback(reel(50)).due(10_000)
    assert numbers(frames, Kind.VIDEO) == [*range(50)] * 5
    assert all(
        frame.keyframe == (number == 0)
        for number, frame in zip(
            numbers(frames, Kind.VIDEO), [f for f in frames if f.kind is Kind.VIDEO], strict=True
        )
    )


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30_000, 1001), Fraction(7), Fraction(120)])
def test_no_joint_is_seen_in_the_times(rate: Fraction) -> None:
    frames = Playback(reel(53, rate=rate)).due(60_000)
    assert [frame.dts_ms for frame in frames] == sorted(frame.dts_ms for frame in frames)
    for kind, step_ms in ((Kind.VIDEO, 1000 / rate), (Kind.AUDIO, 1000 * AAC_S)):
        of_kind = times(frames, kind)
        assert of_kind[0] == 0
        assert of_kind[-1] == pytest.approx(60_000, abs=float(step_ms) + 1)
        assert {later - earlier for earlier, later in pairwise(of_kind)} <= {
            int(step_ms),
            int(step_ms) + 1,
        }


def test_sound_goes_with_its_picture_however_often_it_has_been_played() -> None:
    frames = Playback(reel(53)).due(600_000)  # 53 pictures are no whole number of sounds
    shown_s = Fraction(0)
    for frame in frames:
        if frame.kind is Kind.VIDEO:
            shown_s = int(frame.body[10:]) / RATE
        else:
            heard_s = int(frame.body[4:]) * AAC_S
            assert -1 / RATE <= shown_s - heard_s <= AAC_S


def test_sound_alone_is_played_frame_by_frame() -> None:
    frames = Playback(reel(0, 87)).due(10_000)
    assert len(frames) == pytest.approx(10 / AAC_S, abs=1)
    heard = numbers(frames, Kind.AUDIO)
    assert heard == [number % 87 for number in range(len(heard))]
    assert times(frames, Kind.AUDIO)[430] == round(1000 * 430 * AAC_S)


def test_pictures_alone_need_no_sound() -> None:
    frames = Playback(reel(50, 0)).due(4_000)
    assert numbers(frames, Kind.VIDEO) == [*range(50)] * 2
    assert not numbers(frames, Kind.AUDIO)


@given(st.lists(st.integers(0, 400), max_size=40))
def test_it_does_not_matter_how_often_one_asks(steps_ms: list[int]) -> None:
    asked, now_ms, frames = Playback(reel(30)), 0, []
    for step_ms in steps_ms:
        now_ms += step_ms
        frames += asked.due(now_ms)
    assert frames == Playback(reel(30)).due(now_ms)


def test_what_is_not_there_yet_is_not_waited_for() -> None:
    growing = Reel(RATE)
    growing.add([tag(video_config()), tag(audio_config()), *pictures(0, 20), *sounds(0, 60)])
    playback = Playback(growing)
    first = playback.due(2_000)
    assert numbers(first, Kind.VIDEO) == [*range(20), *range(20), *range(10)]
    growing.add([*pictures(20, 40), *sounds(60, 60)])
    second = playback.due(6_000)
    assert numbers(second, Kind.VIDEO)[:50] == [*range(10, 60)]  # goes on in what has come
    assert numbers(second, Kind.VIDEO)[50] == 0
    assert times(second, Kind.VIDEO)[0] - times(first, Kind.VIDEO)[-1] == 40


def test_pictures_do_not_go_where_their_sound_has_not_come_yet() -> None:
    growing = Reel(RATE)
    growing.add([tag(video_config()), tag(audio_config()), *pictures(0, 100), *sounds(0, 44)])
    assert max(numbers(Playback(growing).due(3_000), Kind.VIDEO)) == 24  # 1.02 s of sound


def test_it_is_ready_when_there_is_something_to_begin_with() -> None:
    growing = Reel(RATE)
    assert not growing.ready
    growing.add([tag(video_config()), tag(audio_config()), *pictures(0, 100)])
    assert not growing.ready  # the sound is yet to come
    growing.add(sounds(0, 5))
    assert not growing.ready
    growing.add(sounds(5, 30))
    assert growing.ready
    assert growing.length_s == 35 * AAC_S > READY_S


def test_however_short_it_is_ready_when_it_is_complete() -> None:
    assert reel(1, 2).ready
    empty = Reel(RATE)
    empty.finish()
    assert not empty.ready


def test_configurations_are_kept_once_each() -> None:
    made = Reel(RATE)
    metadata = FlvTag(18, 0, build_metadata({"width": 1.0}))
    made.add([metadata, tag(video_config()), tag(audio_config()), tag(video_config())])
    made.add([tag(video_config(extra=b"\0"))])
    assert [config.body for config in made.configs] == [
        metadata.body,
        video_config().body,
        audio_config().body,
    ]


def test_what_is_neither_picture_nor_sound_is_left_out() -> None:
    made = reel(2, 2)
    made.add([FlvTag(9, 0, build_video_end(Codec.H264)), FlvTag(8, 0, b"")])
    made.add([FlvTag(8, 0, b"\x91fLaC")])  # as FFmpeg ends FLAC
    assert (len(made.pictures), len(made.sounds)) == (2, 2)


@pytest.mark.parametrize(
    ("codec", "sample_rate", "samples"),
    [
        (Codec.AAC, 44_100, 1024),
        (Codec.MP3, 44_100, 1152),
        (Codec.MP3, 22_050, 576),
        (Codec.OPUS, 48_000, 960),
        (Codec.AC3, 48_000, 1536),
    ],
)
def test_codecs_have_frames_of_their_own_length(
    codec: Codec, sample_rate: int, samples: int
) -> None:
    assert frame_samples(codec, sample_rate) == samples


def test_opus_is_counted_in_its_own_rate() -> None:
    made = Reel(RATE)
    made.add([FlvTag(8, 0, build_audio_tag(Codec.OPUS, b"\xfc\xff\xfe"))])
    assert made.sound_s == Fraction(1, 50)
