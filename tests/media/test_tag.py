"""parse_tag: bytes of real encoders, then odd and broken ones, then any bytes at all."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.enhanced_tag import CODECS_BY_FOURCC
from slipstream.media.frame import Codec, Frame, Kind
from slipstream.media.tag import parse_any_tag, parse_tag

AUDIO, VIDEO, DATA = 8, 9, 18
SLICE = bytes.fromhex("0000000741 9a2300eaf191")  # of a P picture by x264


def read(type_id: int, hex_or_bytes: str | bytes) -> Frame:
    """Parse at 1234 ms; say that what holds for every frame holds for this one."""
    body = bytes.fromhex(hex_or_bytes) if isinstance(hex_or_bytes, str) else hex_or_bytes
    frame = parse_tag(type_id, 1234, body)
    assert frame.kind == type_id
    assert frame.dts_ms == 1234
    assert frame.body is body
    assert parse_any_tag(type_id, 1234, body) == frame
    return frame


def traits(frame: Frame) -> str:
    """The flags that are set, in one word."""
    names = ("keyframe", "config", "disposable")
    return " ".join(name for name in names if getattr(frame, name))


# Written by FFmpeg 8.1 with the encoders named.
FFMPEG = [
    (VIDEO, "1700000000 014d400affe10017674d400aec", Codec.H264, "config", 0),
    (VIDEO, "17010000c8 000002970605ffff93dc45e9bd", Codec.H264, "keyframe", 200),
    (VIDEO, "2701000190 0000007b419a2300eaf1914000", Codec.H264, "", 400),
    (VIDEO, "1702000000", Codec.H264, "", 0),
    (VIDEO, "9068766331 0101600000009000", Codec.H265, "config", 0),
    (VIDEO, "d468766331 020009636f6c6f72496e666f03", Codec.H265, "config", 0),
    (VIDEO, "9168766331 0000c8 0000001c2801ac4484", Codec.H265, "keyframe", 200),
    (VIDEO, "a168766331 000190 000000230201d0195e", Codec.H265, "", 400),
    (VIDEO, "a368766331 000000060001e024ffe8", Codec.H265, "disposable", 0),
    (VIDEO, "9061763031 81000c000a0a00000003b4fff00be001", Codec.AV1, "config", 0),
    (VIDEO, "9161763031 12000a0a00000003b4fff12be401", Codec.AV1, "keyframe", 0),
    (VIDEO, "a161763031 120032262808002492", Codec.AV1, "", 0),
    (VIDEO, "9076703039 01000000000a820202020000", Codec.VP9, "config", 0),
    (VIDEO, "9176703039 8249834200", Codec.VP9, "keyframe", 0),
    (AUDIO, "af00 119056e500", Codec.AAC, "config", 0),
    (AUDIO, "af01 de02004c61766336322e32382e313032004220", Codec.AAC, "", 0),
    (AUDIO, "904f707573 4f7075734865616401023801 80bb0000000000", Codec.OPUS, "config", 0),
    (AUDIO, "944f707573 010200000003", Codec.OPUS, "config", 0),
    (AUDIO, "914f707573 fcfffe", Codec.OPUS, "", 0),
    (AUDIO, "90664c6143 120012000000000000", Codec.FLAC, "config", 0),
    (AUDIO, "91664c6143 fff85a1800d6", Codec.FLAC, "", 0),
    (AUDIO, "9061632d33", Codec.AC3, "config", 0),
    (AUDIO, "9161632d33 0b7750521440", Codec.AC3, "", 0),
    (AUDIO, "9065632d33", Codec.EAC3, "config", 0),
    (AUDIO, "9165632d33 0b77017f3487", Codec.EAC3, "", 0),
]


@pytest.mark.parametrize(("type_id", "body", "codec", "flags", "cts_ms"), FFMPEG)
def test_tags_of_ffmpeg(type_id: int, body: str, codec: Codec, flags: str, cts_ms: int) -> None:
    frame = read(type_id, body)
    assert (frame.codec, traits(frame), frame.cts_ms, frame.track) == (codec, flags, cts_ms, 0)


# Enhanced RTMP as OBS and others write it, where FFmpeg does otherwise.
OTHERS = [
    (VIDEO, "8468766331 020009", Codec.H265, "config", 0),  # colour as OBS sends it
    (VIDEO, "9468766331 020009", Codec.H265, "config", 0),
    (VIDEO, "9261763031", Codec.AV1, "", 0),  # end of sequence
    (VIDEO, "a261763031", Codec.AV1, "", 0),  # as OBS stops
    (VIDEO, "9361763031 1200", Codec.AV1, "keyframe", 0),
    (VIDEO, "9561763031 80048100 0c00", Codec.AV1, "config", 0),  # MPEG-2 TS descriptor
    (VIDEO, "9061766331 014d400a", Codec.H264, "config", 0),
    (VIDEO, "a161766331 ffffd8 0000000241 9a", Codec.H264, "", -40),
    (VIDEO, "a176766331 000028 0000000200 01", Codec.H266, "", 40),
    (VIDEO, "b168766331 000000 000000020201", Codec.H265, "disposable", 0),
    (VIDEO, "9176703038 9d012a", Codec.VP8, "keyframe", 0),
    (VIDEO, "97 02 07a120 01 68766331 000000 0000000128", Codec.H265, "keyframe", 0),  # ModEx
    (VIDEO, "91 58585858 00", Codec.UNKNOWN, "keyframe", 0),
    (AUDIO, "906d703461 1210", Codec.AAC, "config", 0),
    (AUDIO, "916d703461 2110", Codec.AAC, "", 0),
    (AUDIO, "912e6d7033 fffb", Codec.MP3, "", 0),
    (AUDIO, "904f707573", Codec.OPUS, "config", 0),
    (AUDIO, "924f707573", Codec.OPUS, "", 0),
    (AUDIO, "9458585858 00", Codec.UNKNOWN, "config", 0),
]


@pytest.mark.parametrize(("type_id", "body", "codec", "flags", "cts_ms"), OTHERS)
def test_enhanced_tags_of_others(
    type_id: int, body: str, codec: Codec, flags: str, cts_ms: int
) -> None:
    frame = read(type_id, body)
    assert (frame.codec, traits(frame), frame.cts_ms, frame.track) == (codec, flags, cts_ms, 0)


LEGACY = [
    (VIDEO, "1702", Codec.H264, "", 0),  # end of sequence by librtmp based encoders
    (VIDEO, "2701ffffd8 0000000241 9a", Codec.H264, "", -40),
    (VIDEO, "2701800000 0000000241 9a", Codec.H264, "", -(1 << 23)),
    (VIDEO, "37017fffff 0000000241 9a", Codec.H264, "disposable", (1 << 23) - 1),
    (VIDEO, "4701000000 0000000241 9a", Codec.H264, "", 0),  # a "generated" key is none
    (VIDEO, "5700", Codec.H264, "", 0),  # seeking begins
    (VIDEO, "1c00000000 0101", Codec.H265, "config", 0),  # unofficial numbers from here on
    (VIDEO, "1c01000028 0000000128", Codec.H265, "keyframe", 40),
    (VIDEO, "2c01000028 000000020001", Codec.H265, "disposable", 40),
    (VIDEO, "1d01000000 1200", Codec.AV1, "keyframe", 0),
    (VIDEO, "1e01000000 9d01", Codec.VP8, "keyframe", 0),
    (VIDEO, "1f01000000 8249", Codec.VP9, "keyframe", 0),
    (VIDEO, "12 00008400", Codec.SORENSON, "keyframe", 0),
    (VIDEO, "32 00008400", Codec.SORENSON, "disposable", 0),
    (VIDEO, "24 00 12", Codec.VP6, "", 0),
    (VIDEO, "1901000000 000001b6", Codec.MPEG4, "keyframe", 0),
    (AUDIO, "2f fffb", Codec.MP3, "", 0),
    (AUDIO, "e2 fffb", Codec.MP3, "", 0),
    (AUDIO, "3f 0000", Codec.PCM, "", 0),
    (AUDIO, "72 d5d5", Codec.PCMA, "", 0),
    (AUDIO, "82 ffff", Codec.PCMU, "", 0),
    (AUDIO, "b2 1e9d", Codec.SPEEX, "", 0),
    (AUDIO, "d2 fcfffe", Codec.OPUS, "", 0),
    (AUDIO, "a001 2110", Codec.AAC, "", 0),  # the lower half means nothing
]


@pytest.mark.parametrize(("type_id", "body", "codec", "flags", "cts_ms"), LEGACY)
def test_legacy_tags(type_id: int, body: str, codec: Codec, flags: str, cts_ms: int) -> None:
    frame = read(type_id, body)
    assert (frame.codec, traits(frame), frame.cts_ms, frame.track) == (codec, flags, cts_ms, 0)


ONE_TRACK = "96 01 68766331 01 000028 0000000128"
MANY_TRACKS = "96 11 68766331 02 000005 000028 0000 00 000004 00003c 01"
MANY_CODECS = "96 21 61766331 00 000008 00000041414141 41 68766331 01 000007 00000042424242"


def test_a_frame_says_its_track() -> None:
    frame = read(VIDEO, ONE_TRACK)
    assert (frame.track, frame.codec, frame.cts_ms, frame.keyframe) == (1, Codec.H265, 40, True)
    frame = read(AUDIO, "95 00 6d703461 03 1210")
    assert (frame.track, frame.codec, frame.config) == (3, Codec.AAC, True)


def test_a_frame_of_many_tracks_is_described_by_its_first() -> None:
    frame = read(VIDEO, MANY_TRACKS)
    assert (frame.track, frame.codec, frame.cts_ms, frame.keyframe) == (2, Codec.H265, 40, True)
    frame = read(VIDEO, MANY_CODECS)
    assert (frame.track, frame.codec, frame.cts_ms, frame.keyframe) == (0, Codec.H264, 0, True)


def test_a_command_is_no_picture() -> None:
    for body in ("d1 00", "d6 01", "d7 02000000 01 00"):
        frame = read(VIDEO, body)
        assert (frame.codec, traits(frame)) == (Codec.UNKNOWN, "")


H264_DISPOSABLE = [
    ("0000000201 9e", True),
    ("00000002 41 9a", False),  # referred to
    ("00000002 65 88", False),
    ("00000002 09f0 00000002 019e", True),  # behind a delimiter
    ("00000002 09f0 00000003 060500 00000002 019e", True),  # and SEI
    ("00000002 09f0 00000002 419a", False),
    ("00000002 0605", False),  # nothing behind the SEI
    ("00000009 019e", False),  # lengths that do not add up: they are of another size
    ("0002 019e 0000 0001", False),
    ("00000002 0600" * 9 + "00000002 019e", False),  # too far to look
]


@pytest.mark.parametrize(("picture", "disposable"), H264_DISPOSABLE)
def test_h264_pictures_that_nobody_refers_to(picture: str, disposable: bool) -> None:
    assert read(VIDEO, "2701000000" + picture).disposable is disposable
    assert read(VIDEO, "a161766331000000" + picture).disposable is disposable
    assert read(VIDEO, "a361766331" + picture).disposable is disposable
    assert read(VIDEO, "1701000000" + picture).disposable is False


@pytest.mark.parametrize(
    ("unit", "disposable"),
    [("0001", True), ("0201", False), ("1001", True), ("1201", False), ("2601", False)],
)
def test_h265_pictures_that_nobody_refers_to(unit: str, disposable: bool) -> None:
    for picture in (f"00000002{unit}", f"000000034601500000000 2{unit}".replace(" ", "")):
        assert read(VIDEO, "a168766331000000" + picture).disposable is disposable
        assert read(VIDEO, "2c01000000" + picture).disposable is disposable


BROKEN = [
    (VIDEO, "", "empty video message"),
    (AUDIO, "", "empty audio message"),
    (VIDEO, "17", "body of 1 bytes, needs 2"),
    (VIDEO, "1701000000", "body of 5 bytes, needs 6"),
    (VIDEO, "1700000000", "body of 5 bytes, needs 6"),  # an empty configuration
    (VIDEO, "1703000000 00", "packet type 3"),
    (VIDEO, "10", "video codec number 0"),
    (VIDEO, "12", "body of 1 bytes"),
    (VIDEO, "91687663", "FourCC"),
    (VIDEO, "9168766331", "without data"),
    (VIDEO, "9168766331 000028", "without data"),
    (VIDEO, "9068766331", "without data"),
    (VIDEO, "9100000001 00", "FourCC 00000001"),
    (VIDEO, "9868766331 00", "video packet type 8"),
    (VIDEO, "96", "cut off at 1"),
    (VIDEO, "96 31 68766331 00 00", "multitrack layout 3"),
    (VIDEO, "96 06 68766331 00 00", "video packet type 6"),
    (VIDEO, "96 01 68766331", "cut off"),
    (VIDEO, "96 11 68766331 00 000009 00", "track 0 of 9 bytes, 1 are there"),
    (VIDEO, "96 11 68766331" + "00 000004 00002801" * 17, "more than 16 tracks"),
    (VIDEO, "97 02 07a1", "cut off"),
    (VIDEO, "97 ff", "cut off"),
    (VIDEO, "97" + "000007" * 20 + "0168766331", "more than 16 ModEx items"),
    (AUDIO, "af", "body of 1 bytes"),
    (AUDIO, "af00", "body of 2 bytes"),
    (AUDIO, "af01", "body of 2 bytes"),
    (AUDIO, "af02 00", "AAC packet type 2"),
    (AUDIO, "f2 00", "audio codec number 15"),  # DJI
    (AUDIO, "2f", "body of 1 bytes"),
    (AUDIO, "914f707573", "without data"),
    (AUDIO, "90664c6143", "without data"),
    (AUDIO, "934f707573 00", "audio packet type 3"),
    (DATA, "", "without a name"),
    (DATA, "01020304", "without a name"),  # FFmpeg's time code
    (DATA, "02", "without a name"),
    (DATA, "020000", "without a name"),
    (DATA, "0200056f6e", "without a name"),
    (DATA, "02000d40736574446174614672616d65", "without a name"),
    (DATA, "02000a6f6e4d65746144617461", "without names"),  # DJI: nothing in it
    (DATA, "02000a6f6e4d6574614461746105", "without names"),
    (DATA, "02000a6f6e4d657461446174610800000000000009", "without names"),
    (DATA, "02000a6f6e4d65746144617461ff", "onMetaData: "),
    (20, "00", "message type 20 carries no media"),
    (0, "00", "message type 0 carries no media"),
]


@pytest.mark.parametrize(("type_id", "body", "message"), BROKEN)
def test_what_makes_no_sense_is_refused(type_id: int, body: str, message: str) -> None:
    for parse in (parse_tag, parse_any_tag):
        with pytest.raises(MediaError, match=message):
            parse(type_id, 0, bytes.fromhex(body))


METADATA = bytes.fromhex(
    "02000a 6f6e4d65746144617461 08 00000001 00057769647468 00 4094000000000000 000009"
)


def test_metadata_is_a_config_in_the_form_that_players_expect() -> None:
    set_data_frame = bytes.fromhex("02000d 40736574446174614672616d65")
    expected = Frame(Kind.DATA, Codec.DATA, 7, 0, False, True, False, 0, METADATA)
    assert parse_tag(DATA, 7, METADATA) == expected
    assert parse_tag(DATA, 7, set_data_frame + METADATA) == expected
    assert parse_tag(15, 7, b"\0" + METADATA) == expected


def test_other_data_passes_as_it_is() -> None:
    frame = read(DATA, "02000a 6f6e54657874446174 61 03 000009")
    assert (frame.codec, traits(frame)) == (Codec.DATA, "")


def test_metadata_has_a_limit() -> None:
    long = METADATA[:-3] + b"\0\1x\x0c\0\1\0\0" + bytes(1 << 16) + METADATA[-3:]
    with pytest.raises(MediaError, match=f"metadata of {len(long)} bytes, limit 65536"):
        parse_tag(DATA, 0, long)


HEADS = st.sampled_from(
    [bytes.fromhex(row[1]) for row in (*FFMPEG, *OTHERS, *LEGACY)]
    + [bytes.fromhex(row[1]) for row in BROKEN]
    + [bytes.fromhex(body) for body in (ONE_TRACK, MANY_TRACKS, MANY_CODECS)]
    + [METADATA]
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.builds(bytes.__add__, HEADS, st.binary(max_size=20)),
    st.builds(
        lambda first, fourcc, rest: bytes((first,)) + fourcc + rest,
        st.integers(0x80, 0xFF),
        st.sampled_from([f for codecs in CODECS_BY_FOURCC.values() for f in codecs]),
        st.binary(max_size=20),
    ),
    st.builds(lambda body, cut: body[:cut], HEADS, st.integers(0, 30)),
    st.builds(
        lambda body, at, value: body[:at] + bytes((value,)) + body[at + 1 :],
        HEADS,
        st.integers(0, 12),
        st.integers(0, 255),
    ),
)


@given(st.sampled_from([AUDIO, VIDEO, DATA, 15, 22]), BODIES)
@example(VIDEO, b"\x27\x01\0\0\0\0\0\0\1")
def test_any_bytes_make_a_frame_or_a_media_error(type_id: int, body: bytes) -> None:
    """And the tables of parse_tag say what reading byte by byte says."""
    try:
        expected: Frame | str = parse_any_tag(type_id, 5, body)
    except MediaError as error:
        expected = str(error)
    try:
        actual: Frame | str = parse_tag(type_id, 5, body)
    except MediaError as error:
        actual = str(error)
    assert actual == expected
