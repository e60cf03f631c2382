"""Bodies we build: known bytes, read by FFmpeg, and read back by ourselves."""

from __future__ import annotations

import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.media.enhanced_tag import CODECS_BY_FOURCC
from slipstream.media.flv import build_flv_tag, flv_header
from slipstream.media.frame import Codec, Kind
from slipstream.media.payload import coded_data, config_data
from slipstream.media.tag import parse_tag
from slipstream.media.tag_builder import (
    build_audio_config,
    build_audio_tag,
    build_video_config,
    build_video_end,
    build_video_tag,
)
from tests.media.ffmpeg import Encoded, encode_audio, encode_video

VIDEO = list(CODECS_BY_FOURCC[Kind.VIDEO].values())
AUDIO = list(CODECS_BY_FOURCC[Kind.AUDIO].values())
COLOUR, CHANNELS = 0xD4, 0x94  # first bytes of what FFmpeg adds to configurations


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (build_video_config(Codec.H264, b"\1"), "170000000001"),
        (build_video_tag(Codec.H264, b"\1", keyframe=True, cts_ms=40), "170100002801"),
        (build_video_tag(Codec.H264, b"\1", keyframe=False, cts_ms=-40), "2701ffffd801"),
        (build_video_end(Codec.H264), "1702000000"),
        (build_video_config(Codec.H265, b"\1"), "906876633101"),
        (build_video_tag(Codec.H265, b"\1", keyframe=True, cts_ms=40), "916876633100002801"),
        (build_video_tag(Codec.H265, b"\1", keyframe=False), "a36876633101"),
        (build_video_tag(Codec.AV1, b"\1", keyframe=False), "a16176303101"),
        (build_video_end(Codec.AV1), "9261763031"),
        (build_video_config(Codec.H264, b"\1", track=2), "9600617663310201"),
        (build_audio_config(Codec.AAC, b"\x12\x10"), "af001210"),
        (build_audio_tag(Codec.AAC, b"\1"), "af0101"),
        (build_audio_tag(Codec.MP3, b"\1"), "2f01"),
        (build_audio_tag(Codec.OPUS, b"\1"), "914f70757301"),
        (build_audio_tag(Codec.AAC, b"\1", track=1), "95016d7034610101"),
    ],
)
def test_known_bodies(body: bytes, expected: str) -> None:
    assert body.hex() == expected


def rebuilt(encoded: Encoded) -> Encoded:
    """The same file, its bodies taken apart and built again."""
    flv = flv_header()
    for frame in encoded.frames:
        data = config_data(frame)
        if frame.kind is Kind.VIDEO and data:
            body = (
                build_video_config(frame.codec, data)
                if frame.config
                else build_video_tag(
                    frame.codec, data, keyframe=frame.keyframe, cts_ms=frame.cts_ms
                )
            )
        elif frame.kind is Kind.AUDIO:
            build = build_audio_config if frame.config else build_audio_tag
            body = build(frame.codec, data)
        else:
            body = frame.body
        if not (
            frame.config and frame.body[0] in (0xD4, 0x94)
        ):  # colour and channels: FFmpeg's own
            flv += build_flv_tag(frame.kind, frame.dts_ms, body)
    return Encoded(flv)


@pytest.mark.parametrize("encoder", ["libx264", "libx265", "libsvtav1", "libvpx-vp9"])
def test_ffmpeg_reads_the_same_pictures(encoder: str) -> None:
    encoded = encode_video(encoder)
    assert rebuilt(encoded).packets() == encoded.packets()


@pytest.mark.parametrize("encoder", ["aac", "ac3", "libmp3lame"])
def test_ffmpeg_reads_the_same_sounds(encoder: str) -> None:
    encoded = encode_audio(encoder, rate=44100)
    assert rebuilt(encoded).packets() == encoded.packets()


def test_ffmpeg_reads_a_second_track() -> None:
    encoded = encode_video("libx265")
    flv = flv_header(audio=False)
    for frame in encoded.frames:
        flv += build_flv_tag(frame.kind, frame.dts_ms, frame.body)
        data = config_data(frame)
        if frame.kind is Kind.DATA or not data or frame.body[0] == COLOUR:
            continue
        body = (
            build_video_config(frame.codec, data, track=1)
            if frame.config
            else build_video_tag(
                frame.codec, data, keyframe=frame.keyframe, cts_ms=frame.cts_ms, track=1
            )
        )
        flv += build_flv_tag(9, frame.dts_ms, body)
    with av.open(io.BytesIO(flv), "r", format="flv") as container:
        packets = [(p.stream.index, bytes(p)) for p in container.demux() if p.size]
    first, second = ([data for index, data in packets if index == i] for i in (0, 1))
    assert first == second == [bytes(coded_data(f)) for f in encoded.media(Kind.VIDEO)]


@given(
    st.sampled_from(VIDEO),
    st.binary(min_size=1, max_size=20),
    st.booleans(),
    st.integers(-(1 << 23), (1 << 23) - 1),
    st.integers(0, 255),
)
def test_pictures_are_read_back(
    codec: Codec, data: bytes, keyframe: bool, cts_ms: int, track: int
) -> None:
    body = build_video_tag(codec, data, keyframe=keyframe, cts_ms=cts_ms, track=track)
    frame = parse_tag(9, 0, body)
    assert (frame.codec, frame.keyframe, frame.track) == (codec, keyframe, track)
    assert frame.cts_ms == (cts_ms if codec in (Codec.H264, Codec.H265, Codec.H266) else 0)
    assert coded_data(frame) == data
    config = parse_tag(9, 0, build_video_config(codec, data, track=track))
    assert (config.codec, config.config, config.track) == (codec, True, track)
    assert config_data(config) == data
    end = parse_tag(9, 0, build_video_end(codec, track=track))
    assert (end.codec, end.config, end.keyframe, end.track) == (codec, False, False, track)


@given(st.sampled_from(AUDIO), st.binary(min_size=1, max_size=20), st.integers(0, 255))
def test_sounds_are_read_back(codec: Codec, data: bytes, track: int) -> None:
    frame = parse_tag(8, 0, build_audio_tag(codec, data, track=track))
    assert (frame.codec, frame.config, frame.track) == (codec, False, track)
    assert coded_data(frame) == data
    config = parse_tag(8, 0, build_audio_config(codec, data, track=track))
    assert (config.codec, config.config, config.track) == (codec, True, track)
    assert config_data(config) == data
