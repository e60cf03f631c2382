"""describe(): what FFmpeg's encoders made, told back; then odd configurations, then any."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codec_info import CodecInfo
from slipstream.media.description import describe
from slipstream.media.enhanced_tag import CODECS_BY_FOURCC
from slipstream.media.frame import Codec, Frame, Kind
from slipstream.media.payload import coded_data
from slipstream.media.tag import parse_tag
from tests.media.ffmpeg import Encoded, codec_string, encode_audio, encode_video

FILM = Fraction(24000, 1001)


def describe_track(encoded: Encoded, kind: Kind) -> CodecInfo:
    """Describe a track by its first configuration, if any, and its first frame."""
    configs = [frame for frame in encoded.frames if frame.kind is kind and frame.config]
    return describe(*configs[:1], encoded.media(kind)[0])


VIDEO: list[tuple[str, dict[str, Any], CodecInfo]] = [
    (
        "libx264",
        {},
        CodecInfo(Codec.H264, "avc1.64000b", "High", "1.1", 160, 120, 25, 8),
    ),
    (
        "libx264",
        {"width": 1920, "height": 1080, "rate": FILM, "options": {"preset": "ultrafast"}},
        CodecInfo(
            Codec.H264, "avc1.42c028", "Constrained Baseline", "4.0", 1920, 1080, float(FILM), 8
        ),
    ),
    (
        "libx264",
        {"width": 162, "height": 122, "pixels": "yuv422p10le"},
        CodecInfo(Codec.H264, "avc1.7a000b", "High 4:2:2", "1.1", 162, 122, 25, 10),
    ),
    (
        "libx264",
        {"width": 162, "height": 122, "pixels": "yuv444p", "options": {"x264-params": "cqm=jvt"}},
        CodecInfo(Codec.H264, "avc1.f4000b", "High 4:4:4 Predictive", "1.1", 162, 122, 25, 8),
    ),
    (
        "libx264",
        {"height": 136, "options": {"x264-params": "interlaced=1"}},
        CodecInfo(Codec.H264, "avc1.640015", "High", "2.1", 160, 136, 25, 8),
    ),
    (
        "libx265",
        {},
        CodecInfo(Codec.H265, "hvc1.1.6.L30.90", "Main", "1.0", 160, 120, 25, 8),
    ),
    (
        "libx265",
        {
            "width": 322,
            "height": 242,
            "pixels": "yuv420p10le",
            "rate": FILM,
            "options": {"x265-params": "log-level=none:temporal-layers=3:scaling-list=default"},
        },
        CodecInfo(Codec.H265, "hvc1.2.4.L60.90", "Main 10", "2.0", 322, 242, float(FILM), 10),
    ),
    (
        "libsvtav1",
        {"width": 322, "pixels": "yuv420p10le"},
        CodecInfo(Codec.AV1, "av01.0.00M.10", "Main", "2.0", 322, 120, None, 10),
    ),
    (
        "libvpx-vp9",
        {"width": 322},
        CodecInfo(Codec.VP9, "vp09.00.11.08", "0", "1.1", 322, 120, None, 8),
    ),
    ("flv1", {}, CodecInfo(Codec.SORENSON)),
]


@pytest.mark.parametrize(("encoder", "given", "expected"), VIDEO)
def test_pictures_of_ffmpeg(encoder: str, given: dict[str, Any], expected: CodecInfo) -> None:
    encoded = encode_video(encoder, **given)
    assert describe_track(encoded, Kind.VIDEO) == expected
    with av.open(io.BytesIO(encoded.flv), "r", format="flv") as container:
        stream = container.streams.video[0]
        assert expected.width in (stream.width, None)
        assert expected.height in (stream.height, None)


@pytest.mark.parametrize("encoder", ["libx264", "libx265", "libsvtav1", "libvpx-vp9"])
def test_codec_strings_are_those_of_ffmpeg(encoder: str, tmp_path: Path) -> None:
    config = encode_video(encoder).config(Kind.VIDEO)
    assert describe(config).codec_string == codec_string(encoder, tmp_path)


AUDIO: list[tuple[str, dict[str, Any], CodecInfo]] = [
    ("aac", {}, CodecInfo(Codec.AAC, "mp4a.40.2", "LC", sample_rate=48000, channels=2)),
    (
        "aac",
        {"rate": 44100, "layout": "5.1"},
        CodecInfo(Codec.AAC, "mp4a.40.2", "LC", sample_rate=44100, channels=6),
    ),
    (
        "libopus",
        {"samples": "flt"},
        CodecInfo(Codec.OPUS, "Opus", sample_rate=48000, channels=2),
    ),
    (
        "libopus",
        {"samples": "flt", "layout": "5.1"},
        CodecInfo(Codec.OPUS, "Opus", sample_rate=48000, channels=6),
    ),
    (
        "flac",
        {"samples": "s16", "rate": 96000, "layout": "mono"},
        CodecInfo(Codec.FLAC, "fLaC", bit_depth=16, sample_rate=96000, channels=1),
    ),
    (
        "ac3",
        {"rate": 44100, "layout": "5.1"},
        CodecInfo(Codec.AC3, "ac-3", sample_rate=44100, channels=6),
    ),
    ("ac3", {"layout": "3.0"}, CodecInfo(Codec.AC3, "ac-3", sample_rate=48000, channels=3)),
    (
        "eac3",
        {"rate": 32000, "layout": "5.1"},
        CodecInfo(Codec.EAC3, "ec-3", sample_rate=32000, channels=6),
    ),
    (
        "libmp3lame",
        {"rate": 44100},
        CodecInfo(Codec.MP3, "mp4a.6B", sample_rate=44100, channels=2),
    ),
    (
        "libmp3lame",
        {"rate": 22050, "layout": "mono"},
        CodecInfo(Codec.MP3, "mp4a.69", sample_rate=22050, channels=1),
    ),
    (
        "pcm_alaw",
        {"samples": "s16", "rate": 8000, "layout": "mono"},
        CodecInfo(Codec.PCMA, sample_rate=8000, channels=1),
    ),
    (
        "pcm_mulaw",
        {"samples": "s16", "rate": 8000, "layout": "mono"},
        CodecInfo(Codec.PCMU, sample_rate=8000, channels=1),
    ),
    (
        "pcm_s16le",
        {"samples": "s16", "rate": 44100},
        CodecInfo(Codec.PCM, bit_depth=16, sample_rate=44100, channels=2),
    ),
    (
        "nellymoser",
        {"samples": "flt", "rate": 22050, "layout": "mono"},
        CodecInfo(Codec.NELLYMOSER, sample_rate=22050, channels=1),
    ),
    (
        "adpcm_swf",
        {"samples": "s16", "rate": 22050},
        CodecInfo(Codec.ADPCM, sample_rate=22050, channels=2),
    ),
]


@pytest.mark.parametrize(("encoder", "given", "expected"), AUDIO)
def test_sounds_of_ffmpeg(encoder: str, given: dict[str, Any], expected: CodecInfo) -> None:
    encoded = encode_audio(encoder, **given)
    assert describe_track(encoded, Kind.AUDIO) == expected


@pytest.mark.parametrize("encoder", ["libx264", "libx265", "libsvtav1", "libvpx-vp9"])
def test_tags_of_ffmpeg_are_read_as_ffmpeg_reads_them(encoder: str) -> None:
    encoded = encode_video(encoder, options={"bf": "2"} if encoder == "libx264" else None)
    ours = [
        (frame.dts_ms, frame.cts_ms, bytes(coded_data(frame)))
        for frame in encoded.media(Kind.VIDEO)
        if len(coded_data(frame))
    ]
    assert ours == encoded.packets()


def frame(type_id: int, body: str) -> Frame:
    return parse_tag(type_id, 0, bytes.fromhex(body))


def test_nothing_is_made_up() -> None:
    for type_id, body in [
        (9, "2701000000 0000000241 9a"),
        (9, "1702000000"),
        (9, "d1 00"),
        (9, "a161763031 1200"),
        (9, "d461763031 020009"),
        (8, "af01 2110"),
    ]:
        known = frame(type_id, body)
        assert describe(known) == CodecInfo(known.codec)
    assert describe(frame(18, "0200016105")) == CodecInfo(Codec.DATA)


def test_codecs_that_say_nothing_have_fixed_rates() -> None:
    assert describe(frame(8, "b2 1e9d")) == CodecInfo(Codec.SPEEX, sample_rate=16000, channels=1)
    assert describe(frame(8, "7f d5d5")) == CodecInfo(Codec.PCMA, sample_rate=8000, channels=1)
    assert describe(frame(8, "42 00")).sample_rate == 16000
    assert describe(frame(8, "52 00")).sample_rate == 8000


def test_opus_without_a_header_says_channels_in_its_packets() -> None:
    start = frame(8, "904f707573")
    assert describe(start, frame(8, "914f707573 fcfffe")).channels == 2
    assert describe(start, frame(8, "d2 f8fffe")).channels == 1


def test_channels_may_be_configured_apart() -> None:
    start, channels = frame(8, "904f707573"), frame(8, "944f707573 01060000003f")
    assert describe(start, channels).channels == 6


def test_the_first_to_say_something_is_believed() -> None:
    known = CodecInfo(Codec.VP9, "vp09.00.10.08", width=640)
    other = CodecInfo(Codec.VP9, width=320, height=240)
    assert known.filled_from(other) == CodecInfo(Codec.VP9, "vp09.00.10.08", width=640, height=240)


def test_parameter_sets_that_come_later_leave_the_size_open() -> None:
    info = describe(frame(9, "1700000000 014d400aff e0 00"))
    assert info == CodecInfo(Codec.H264, "avc1.4d400a", "Main", "1.0")


HVCC_ALONE = "01 01 60000000 900000000000 5d f000 fc fd f8 f8 0000 0f 00"
VVCC = "ff 0011 5f 01 02 33 80 00 0780 0438 0000 00"


def test_configurations_that_no_encoder_here_makes() -> None:
    assert describe(frame(9, "9068766331" + HVCC_ALONE)) == CodecInfo(
        Codec.H265, "hvc1.1.6.L93.90", "Main", "3.1", bit_depth=8
    )
    assert describe(frame(9, "9076766331" + VVCC)) == CodecInfo(
        Codec.H266, "vvc1.1.L51", "Main 10", "3.1", 1920, 1080, bit_depth=10
    )
    assert describe(frame(9, "9076766331 fe")) == CodecInfo(Codec.H266)
    assert describe(
        frame(9, "9076703038 000a820202020000"),
        frame(9, "9176703038 100000 9d012a 8002 6801"),
    ) == CodecInfo(Codec.VP8, "vp08.00.10.08", "0", "1.0", 640, 360, bit_depth=8)


@pytest.mark.parametrize(
    ("type_id", "body"),
    [
        (9, "1700000000 02"),
        (9, "1700000000 014d400affe1 0003674d40 00"),
        (9, "9068766331 01"),
        (9, "9061763031 81"),
        (9, "9076703039 01000000 000a82"),
        (8, "af00 ff"),
        (8, "904f707573 00"),
        (8, "90664c6143 00"),
        (8, "9161632d33 ffff"),
        (8, "2f ffff"),
    ],
)
def test_what_cannot_be_read_is_refused(type_id: int, body: str) -> None:
    with pytest.raises(MediaError):
        describe(frame(type_id, body))


@given(
    st.sampled_from([Kind.AUDIO, Kind.VIDEO]),
    st.sampled_from([0x80, 0x81, 0x90, 0x91, 0x95]),
    st.sampled_from([f for codecs in CODECS_BY_FOURCC.values() for f in codecs]),
    st.sampled_from([b"", b"\x01", b"\x81", b"OpusHead\x01", b"\x0b\x77", b"\xff\xfb"]),
    st.binary(max_size=60),
)
def test_any_bytes_are_described_or_refused(
    kind: Kind, first: int, fourcc: bytes, head: bytes, data: bytes
) -> None:
    try:
        describe(parse_tag(kind, 0, bytes((first,)) + fourcc + head + data))
    except MediaError:
        return
