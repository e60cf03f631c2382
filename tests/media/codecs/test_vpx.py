"""vpcC in both its forms, and keyframes of VP8 and VP9."""

from __future__ import annotations

from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.vpx import (
    VpConfig,
    VpKeyframe,
    parse_vp8_keyframe,
    parse_vp9_keyframe,
    parse_vp_config,
)

RECORD = bytes.fromhex("000a820202020000")
FULL_BOX = bytes.fromhex("01000000")


def test_a_record_of_ffmpeg_with_its_prefix() -> None:
    config = parse_vp_config(FULL_BOX + RECORD)
    assert config == VpConfig(0, 10, 8, 1, False)
    assert config.codec_string("vp09") == "vp09.00.10.08"


def test_a_record_without_the_prefix() -> None:
    assert parse_vp_config(RECORD) == parse_vp_config(FULL_BOX + RECORD)
    assert parse_vp_config(bytes.fromhex("0233a70909090000")) == VpConfig(2, 51, 10, 3, True)


@pytest.mark.parametrize("data", [b"", RECORD[:7], FULL_BOX + RECORD[:7]])
def test_a_record_cut_off_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        parse_vp_config(data)


def keyframe(encoder: str, width: int, height: int, pixels: str = "yuv420p") -> bytes:
    """The first packet of one of libvpx's encoders."""
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, pixels
    context.framerate = Fraction(25)
    picture = av.VideoFrame(width, height, pixels)
    for plane in picture.planes:
        plane.update(bytes(plane.buffer_size))
    picture.pts = 0
    return bytes([*context.encode(picture), *context.encode(None)][0])


def test_a_keyframe_of_vp8() -> None:
    assert parse_vp8_keyframe(keyframe("libvpx", 322, 242)) == VpKeyframe(0, 8, 322, 242)


@pytest.mark.parametrize(("pixels", "profile"), [("yuv420p", 0), ("yuv444p", 1), ("gbrp", 1)])
def test_a_keyframe_of_vp9(pixels: str, profile: int) -> None:
    data = keyframe("libvpx-vp9", 322, 242, pixels)
    assert parse_vp9_keyframe(data) == VpKeyframe(profile, 8, 322, 242)


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        ("10 0 1 0010" + f"{0x498342:024b}" + "0 010 0" + f"{639:016b}{359:016b}", (2, 10)),
        ("10 1 1 0 0010" + f"{0x498342:024b}" + "1 010 0000" + f"{639:016b}{359:016b}", (3, 12)),
        ("10 1 1 0 0010" + f"{0x498342:024b}" + "1 111 0" + f"{639:016b}{359:016b}", (3, 12)),
    ],
)
def test_deep_pictures_of_vp9(bits: str, expected: tuple[int, int]) -> None:
    bits = bits.replace(" ", "").ljust(96, "0")
    assert parse_vp9_keyframe(int(bits, 2).to_bytes(12)) == VpKeyframe(*expected, 640, 360)


def test_other_frames_are_refused() -> None:
    for data in (b"", b"\x31\x00\x00\x9d\x01\x2a\x00\x00\x00\x00", b"\x30\x00\x00\x9d\x01\x2a\x00"):
        with pytest.raises(MediaError):
            parse_vp8_keyframe(data)
    for data in (b"", b"\x86\x00\x40\x92", b"\x88\x00\x40\x92\x9c", b"\x82\x49\x83\x42"):
        with pytest.raises(MediaError):
            parse_vp9_keyframe(data)


@given(st.binary(max_size=40), st.sampled_from([b"", b"\x82\x49\x83\x42", b"\x10\0\0\x9d\x01\x2a"]))
def test_any_bytes_are_read_or_refused(data: bytes, head: bytes) -> None:
    for read in (parse_vp_config, parse_vp8_keyframe, parse_vp9_keyframe):
        try:
            read(head + data)
        except MediaError:
            continue
