"""Data messages: FFmpeg's metadata, odd ones, and the way there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.amf import EcmaArray, Value, build_amf0
from slipstream.errors import MediaError
from slipstream.media.frame import Frame
from slipstream.media.metadata import (
    announces_video,
    build_metadata,
    metadata_of_tracks,
    parse_metadata,
    sound_languages,
)
from slipstream.media.tag import parse_tag

# What FFmpeg 5.1 publishes for H.264 of 160x120 at 10 pictures per second, cut short.
FFMPEG = bytes.fromhex(
    "02000d 40736574446174614672616d65 02000a 6f6e4d65746144617461 08 00000004"
    "0008 6475726174696f6e 00 0000000000000000"
    "0005 7769647468 00 4064000000000000"
    "0006 686569676874 00 405e000000000000"
    "0007 656e636f646572 02 000d 4c61766635392e32372e313030"
    "000009"
)


def metadata(values: dict[str, Value]) -> Frame:
    return parse_tag(18, 0, build_metadata(values))


def test_metadata_of_ffmpeg() -> None:
    assert parse_metadata(FFMPEG) == {
        "duration": 0,
        "width": 160,
        "height": 120,
        "encoder": "Lavf59.27.100",
    }
    assert parse_metadata(FFMPEG[16:]) == parse_metadata(FFMPEG)


def test_an_object_will_do_as_well() -> None:
    assert parse_metadata(build_amf0("onMetaData", {"width": 1})) == {"width": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x02\x00",
        build_amf0("onTextData", {"text": "x"}),
        build_amf0("onMetaData"),
        build_amf0("onMetaData", {}),
        build_amf0("onMetaData", EcmaArray()),
        build_amf0("onMetaData", "width"),
        build_amf0(1.0),
        FFMPEG[:60],
    ],
)
def test_what_is_no_metadata_is_refused(body: bytes) -> None:
    with pytest.raises(MediaError):
        parse_metadata(body)


@pytest.mark.parametrize(
    ("values", "announced"),
    [
        ({"videocodecid": 7.0, "audiocodecid": 10.0}, True),
        ({"videocodecid": "avc1"}, True),
        ({"width": 640.0}, True),
        ({"audiocodecid": 10.0, "audiosamplerate": 48000.0}, False),
        ({"audiocodecid": 10.0, "width": 0.0, "height": 0.0}, False),
        ({"hasVideo": False, "width": 640.0}, False),
        ({"hasVideo": True, "audiocodecid": 10.0}, True),
        ({"encoder": "x"}, None),
    ],
)
def test_metadata_says_whether_pictures_come(
    values: dict[str, Value], announced: bool | None
) -> None:
    assert announces_video(metadata(values)) is announced


def test_other_messages_announce_nothing() -> None:
    assert announces_video(parse_tag(18, 0, build_amf0("onTextData", {"text": "x"}))) is None


def test_servers_get_it_with_the_word_to_keep_it() -> None:
    assert build_metadata(parse_metadata(FFMPEG), set_data_frame=True) == FFMPEG


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@given(st.dictionaries(NAMES, st.floats(allow_nan=False) | st.booleans() | NAMES, min_size=1))
def test_whatever_is_built_is_read(values: dict[str, Value]) -> None:
    assert parse_metadata(build_metadata(values)) == values


TRACKS: dict[str, Value] = {
    "encoder": "x",
    "width": 1920.0,
    "height": 1080.0,
    "framerate": 60.0,
    "videocodecid": 7.0,
    "audiocodecid": 10.0,
    "stereo": True,
    "hasVideo": True,
    "hasAudio": True,
    "videoTrackIdInfoMap": {"1": {"width": 640.0, "height": 360.0}},
    "audioTrackIdInfoMap": {"1": {"stereo": False}},
}


@pytest.mark.parametrize(
    ("video", "audio", "wanted"),
    [
        (0, 0, {"width": 1920.0, "framerate": 60.0, "stereo": True, "hasVideo": True}),
        (1, 1, {"width": 640.0, "height": 360.0, "framerate": 60.0, "stereo": False}),
        (2, 0, {"width": None, "framerate": None, "stereo": True}),
        (None, 1, {"width": None, "videocodecid": None, "stereo": False, "hasVideo": False}),
        (1, None, {"width": 640.0, "audiocodecid": None, "stereo": None, "hasAudio": False}),
    ],
)
def test_metadata_speaks_of_the_chosen_tracks_alone(
    video: int | None, audio: int | None, wanted: dict[str, Value]
) -> None:
    frame = metadata_of_tracks(metadata(TRACKS), video, audio)
    assert frame is not None
    values = parse_metadata(frame.body)
    assert values["encoder"] == "x"
    assert not [name for name in values if name.endswith("TrackIdInfoMap")]
    assert {name: values.get(name) for name in wanted} == wanted


def test_data_of_other_names_speak_of_all_tracks() -> None:
    words = parse_tag(18, 5, bytes.fromhex("02000a 6f6e5465787444617461 05"))
    assert metadata_of_tracks(words, 1, None) is words


@pytest.mark.parametrize(
    ("infos", "languages"),
    [
        ({"0": {"language": "en"}, "1": {"language": "zh-Hans"}}, {0: "en", 1: "zh-Hans"}),
        ({"1": {"language": 'en"'}, "2": {"language": None}, "x": {"language": "en"}}, {}),
        ({"1": "en", "2": {}}, {}),
        ("en", {}),
    ],
)
def test_languages_are_those_of_the_maps(infos: Value, languages: dict[int, str]) -> None:
    assert sound_languages(metadata({"audioTrackIdInfoMap": infos})) == languages


@given(
    st.dictionaries(
        st.sampled_from([*TRACKS, "language"]),
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=3),
            lambda inner: st.dictionaries(st.sampled_from(["0", "1", "x", "language"]), inner),
            max_leaves=6,
        ),
        min_size=1,
    ),
    st.none() | st.integers(0, 2),
    st.none() | st.integers(0, 2),
)
def test_any_metadata_is_put_right_or_left_out(
    values: dict[str, Value], video: int | None, audio: int | None
) -> None:
    frame = metadata_of_tracks(metadata(values), video, audio)
    assert frame is None or parse_metadata(frame.body)
    sound_languages(metadata(values))
