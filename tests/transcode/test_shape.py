"""The shape of a slate: what configurations say, else metadata, else a guess; never nonsense."""

from __future__ import annotations

import json
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media import Codec, Frame, Kind, build_metadata, parse_tag
from slipstream.transcode.shape import (
    MAX_DOTS,
    MAX_RATE,
    PictureShape,
    Shape,
    SoundShape,
    shape_of,
)
from tests.clips import film_file, read_tags
from tests.hub.stage import audio_config, sound, video_config

CAPTURES = Path(__file__).parents[1] / "captures"


def metadata(**values: object) -> Frame:
    return parse_tag(18, 0, build_metadata(values))  # type: ignore[arg-type]


def configs_of(path: Path) -> list[Frame]:
    frames = []
    for tag in read_tags(path):
        with suppress(MediaError):  # FFmpeg ends FLAC with an empty tag
            frames.append(parse_tag(*tag))
    return [frame for frame in frames if frame.config]


@pytest.mark.parametrize(
    ("film", "picture", "sound"),
    [
        ("h264-aac", Codec.H264, SoundShape(Codec.AAC, 48_000, 2)),
        ("h264-mp3", Codec.H264, SoundShape(Codec.MP3, 44_100, 2)),
        ("h265-aac", Codec.H265, SoundShape(Codec.AAC, 48_000, 2)),
        ("av1-opus", Codec.AV1, SoundShape(Codec.OPUS, 48_000, 2)),
        ("vp9-flac", Codec.VP9, SoundShape(Codec.FLAC, 48_000, 2)),
        ("video-only", Codec.H264, None),
    ],
)
def test_a_publisher_is_known_by_what_it_began_with(
    tmp_path: Path, film: str, picture: Codec, sound: SoundShape | None
) -> None:
    shape = shape_of(configs_of(film_file(tmp_path, film)))
    assert shape == Shape(PictureShape(picture, 128, 96, Fraction(25)), sound)


def test_sound_alone_has_no_picture(tmp_path: Path) -> None:
    shape = shape_of(configs_of(film_file(tmp_path, "audio-only")))
    assert shape == Shape(None, SoundShape(Codec.AAC, 48_000, 2))


@pytest.mark.parametrize(
    ("capture", "picture", "sound"),
    [
        ("h264-aac.flv", Codec.H264, Codec.AAC),
        ("h265-aac.flv", Codec.H265, Codec.AAC),
        ("av1-opus.flv", Codec.AV1, Codec.OPUS),
    ],
)
def test_real_encoders_are_understood(capture: str, picture: Codec, sound: Codec) -> None:
    shape = shape_of(configs_of(CAPTURES / capture))
    assert shape is not None
    assert shape.picture == PictureShape(picture, 64, 64, Fraction(25))
    assert shape.sound is not None
    assert (shape.sound.codec, shape.sound.sample_rate) == (sound, 48_000)


def test_who_sends_nothing_has_no_shape() -> None:
    assert shape_of([]) is None
    assert shape_of([metadata(encoder="x")]) is None


def test_what_needs_no_configuration_is_found_in_the_metadata() -> None:
    announced = metadata(audiocodecid=2.0, audiosamplerate=22_050.0, stereo=False)
    shape = shape_of([announced, video_config()])
    assert shape is not None
    assert shape.sound == SoundShape(Codec.MP3, 22_050, 1)


@pytest.mark.parametrize(
    ("value", "codec"),
    [
        (2.0, Codec.MP3),
        (10.0, Codec.AAC),
        ("Opus", Codec.OPUS),
        (float(int.from_bytes(b"Opus")), Codec.OPUS),
        ("nonsense", Codec.UNKNOWN),
        (99.0, Codec.UNKNOWN),
    ],
)
def test_codecs_are_announced_by_number_or_by_name(value: object, codec: Codec) -> None:
    shape = shape_of([metadata(audiocodecid=value)])
    assert shape is not None
    assert shape.sound is not None
    assert shape.sound.codec is codec


def test_configurations_are_believed_before_metadata() -> None:
    shape = shape_of([metadata(width=9.0, height=9.0, audiosamplerate=8_000.0), audio_config()])
    assert shape is not None
    assert shape.sound == SoundShape(Codec.AAC, 44_100, 2)


def test_the_first_frame_of_a_track_without_configuration_tells_as_well() -> None:
    mp3 = parse_tag(8, 0, b"\x2f\xff\xfb\x90\x64" + bytes(400))  # MPEG-1, 44.1 kHz, joint stereo
    shape = shape_of([video_config(), mp3])
    assert shape is not None
    assert shape.sound == SoundShape(Codec.MP3, 44_100, 2)


def test_tracks_other_than_the_first_do_not_count() -> None:
    second = sound(0)._replace(track=1)
    shape = shape_of([video_config(), second])
    assert shape is not None
    assert shape.sound is None


def test_damaged_configurations_leave_the_codec() -> None:
    broken = parse_tag(9, 0, b"\x17\x00\0\0\0\x01\x02")
    shape = shape_of([broken, parse_tag(8, 0, b"\xaf\x00\xff")])
    assert shape is not None
    assert shape.picture == PictureShape(Codec.H264, 1280, 720, Fraction(25))
    assert shape.sound == SoundShape(Codec.AAC, 48_000, 2)


@pytest.mark.parametrize(
    ("rate", "is_believed"), [(23.976, True), (60.0, True), (0.5, False), (1000.0, False)]
)
def test_rates_that_cannot_be_are_not_believed(rate: float, is_believed: bool) -> None:
    shape = shape_of([metadata(videocodecid=2.0, width=64.0, height=48.0, framerate=rate)])
    assert shape is not None
    assert shape.picture is not None
    assert float(shape.picture.rate) == pytest.approx(rate if is_believed else 25, abs=0.01)


def test_giants_are_made_smaller_with_the_same_proportions() -> None:
    shape = shape_of([metadata(videocodecid=7.0, width=15_360.0, height=8_640.0)])
    assert shape is not None
    assert shape.picture is not None
    width, height = shape.picture.width, shape.picture.height
    assert width * height <= MAX_DOTS
    assert width / height == pytest.approx(16 / 9, abs=0.01)


numbers = st.one_of(st.floats(), st.booleans(), st.text(max_size=5), st.none())


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "videocodecid",
                "audiocodecid",
                "width",
                "height",
                "framerate",
                "audiosamplerate",
                "stereo",
            ]
        ),
        numbers,
        min_size=1,
    )
)
def test_whatever_strangers_claim_can_be_encoded(values: dict[str, object]) -> None:
    shape = shape_of([metadata(**values)])
    if shape is None:
        return
    if shape.picture:
        picture = shape.picture
        assert picture.width % 2 == picture.height % 2 == 0
        assert min(picture.width, picture.height) >= 16
        assert picture.width * picture.height <= MAX_DOTS
        assert 1 <= picture.rate <= MAX_RATE
    if shape.sound:
        assert 8_000 <= shape.sound.sample_rate <= 96_000
        assert 1 <= shape.sound.channels <= 8
    assert Shape.from_json(json.loads(json.dumps(shape.to_json()))) == shape


def test_kinds_other_than_media_are_no_harm() -> None:
    other = parse_tag(18, 0, b"\x02\x00\x03foo\x05")
    assert other.kind is Kind.DATA
    assert shape_of([other, audio_config()]) is not None
