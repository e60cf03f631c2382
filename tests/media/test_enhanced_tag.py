"""Headers of Enhanced RTMP: where the tracks lie, and what ModEx adds."""

from __future__ import annotations

import pytest

from slipstream.errors import MediaError
from slipstream.media.enhanced_tag import (
    EnhancedHeader,
    Multitrack,
    Track,
    VideoPacket,
    read_enhanced_header,
)
from slipstream.media.frame import Codec, Kind


def read(body: str, kind: Kind = Kind.VIDEO) -> EnhancedHeader:
    return read_enhanced_header(kind, bytes.fromhex(body))


def test_a_plain_header() -> None:
    header = read("a168766331 000028 aabb")
    track = Track(0, b"hvc1", Codec.H265, 5, 10)
    assert header == EnhancedHeader(VideoPacket.CODED_FRAMES, 2, None, 1, (track,), 0)
    assert not header.command


def test_one_track_reaches_to_the_end() -> None:
    header = read("96 01 68766331 07 000028 aabb")
    assert header.multitrack is Multitrack.ONE_TRACK
    assert header.tracks == (Track(7, b"hvc1", Codec.H265, 7, 12),)


def test_many_tracks_share_a_codec() -> None:
    header = read("95 11 4f707573 00 000002 aabb 01 000001 cc", Kind.AUDIO)
    assert header.multitrack is Multitrack.MANY_TRACKS
    assert header.tracks == (
        Track(0, b"Opus", Codec.OPUS, 10, 12),
        Track(1, b"Opus", Codec.OPUS, 16, 17),
    )


def test_many_tracks_may_have_codecs_of_their_own() -> None:
    header = read("96 21 61766331 00 000004 00000041 68766331 01 000003 000000")
    assert header.multitrack is Multitrack.MANY_TRACKS_MANY_CODECS
    assert header.tracks == (
        Track(0, b"avc1", Codec.H264, 10, 14),
        Track(1, b"hvc1", Codec.H265, 22, 25),
    )


def test_codecs_that_are_not_known_have_a_fourcc_still() -> None:
    (track,) = read("91 58595a5b 00").tracks
    assert (track.fourcc, track.codec) == (b"XYZ[", Codec.UNKNOWN)


def test_a_codec_of_the_other_kind_is_not_known() -> None:
    assert read("91 6d703461 00").tracks[0].codec is Codec.UNKNOWN
    assert read("91 61763031 00", Kind.AUDIO).tracks[0].codec is Codec.UNKNOWN


MOD_EX = [
    ("97 02 07a120 01 61763031 12", 500_000),
    ("97 02 07a120 07 02 000001 01 61763031 12", 500_001),  # several add up
    ("97 03 07a120ff 01 61763031 12", 500_000),  # longer than needed
    ("97 01 07a1 01 61763031 12", 0),  # too short for a number
    ("97 02 ffffff 01 61763031 12", 999_999),
    ("97 02 07a120 11 61763031 12", 0),  # another type of item
    ("97 ff 0100" + "00" * 257 + "01 61763031 12", 0),  # a size in three bytes
]


@pytest.mark.parametrize(("body", "nano_offset_ns"), MOD_EX)
def test_mod_ex_stands_before_the_packet(body: str, nano_offset_ns: int) -> None:
    header = read(body)
    assert header.nano_offset_ns == nano_offset_ns
    assert header.packet_type == VideoPacket.CODED_FRAMES
    (track,) = header.tracks
    assert (track.fourcc, track.end - track.start) == (b"av01", 1)


def test_mod_ex_stands_before_multitrack() -> None:
    header = read("97 02 07a120 06 01 61763031 05 12")
    assert header.nano_offset_ns == 500_000
    assert header.tracks == (Track(5, b"av01", Codec.AV1, 12, 13),)


def test_a_command_has_no_fourcc_unless_it_is_metadata() -> None:
    assert read("d1 00").command
    assert read("d7 02000000 06 01").command
    assert not read("d4 68766331 020009").command


@pytest.mark.parametrize("size", range(1, 21))
def test_a_header_cut_off_is_refused(size: int) -> None:
    whole = bytes.fromhex("97 02 07a120 06 21 61763031 05 000001 12 61763031 06 000000")
    with pytest.raises(MediaError, match=r"cut off|FourCC|are there"):
        read_enhanced_header(Kind.VIDEO, whole[:size] if size < 16 else whole[: size + 1])


def test_a_message_cut_between_tracks_has_fewer_of_them() -> None:
    assert len(read("96 21 61763031 05 000001 12 61763031 06 000000").tracks) == 2
    assert len(read("96 21 61763031 05 000001 12").tracks) == 1
