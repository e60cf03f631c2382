"""What a stream's beginning holds for a decoder, and how a child is told."""

from __future__ import annotations

import io

import pytest

from slipstream.media import Codec, parse_tag
from slipstream.transcode.keyframe import Keyframe, Outcome, keyframe_of
from tests.hub.stage import audio_config, inter, key, sound, video_config

TWO_TRACKS = b"avc1" + b"\0\0\0\x05" + b"\0\0\0ab" + b"\1\0\0\x05" + b"\0\0\0cd"


def test_it_is_the_picture_and_the_configuration_before_it() -> None:
    keyframe = keyframe_of([audio_config(), video_config(0, b"\7"), key(0, b"picture")])
    assert keyframe is not None
    assert keyframe.codec is Codec.H264
    assert keyframe.config == video_config(0, b"\7").body[5:]
    assert keyframe.data == key(0, b"picture").body[5:]


def test_sound_alone_and_nothing_hold_none() -> None:
    assert keyframe_of([]) is None
    assert keyframe_of([audio_config(), sound(0)]) is None
    assert keyframe_of([video_config(), inter(0)]) is None


def test_of_several_tracks_it_is_the_first() -> None:
    config = parse_tag(9, 0, b"\x96\x10" + TWO_TRACKS)
    picture = parse_tag(9, 0, b"\x96\x11" + TWO_TRACKS)
    keyframe = keyframe_of([config, picture])
    assert keyframe is not None
    assert (keyframe.config, keyframe.data) == (b"\0\0\0ab", b"ab")


def test_what_is_for_other_tracks_is_passed_over() -> None:
    other = parse_tag(9, 0, b"\x96\x00avc1\x01other")
    keyframe = keyframe_of([video_config(0, b"\7"), other, key(0, b"picture")])
    assert keyframe is not None
    assert keyframe.config == video_config(0, b"\7").body[5:]


def test_its_digest_is_that_of_all_that_the_decoder_gets() -> None:
    one = Keyframe(Codec.H264, b"ab", b"cd")
    assert one.digest == Keyframe(Codec.H264, b"ab", b"cd").digest
    others = [
        Keyframe(Codec.H265, b"ab", b"cd"),
        Keyframe(Codec.H264, b"abc", b"d"),
        Keyframe(Codec.H264, b"ab", b"ce"),
    ]
    assert len({keyframe.digest for keyframe in (one, *others)}) == 4


def test_orders_are_read_one_after_the_other() -> None:
    one, two = Keyframe(Codec.H264, b"a\n", b"\nb"), Keyframe(Codec.VP8, b"", b"c")
    stream = io.BytesIO(one.to_order([640, 160]) + two.to_order([320]))
    assert Keyframe.read_order(stream) == (one, [640, 160])
    assert Keyframe.read_order(stream) == (two, [320])
    assert Keyframe.read_order(stream) is None


def test_an_outcome_is_what_was_made_or_why_nothing_was() -> None:
    for outcome in (Outcome([3, 4]), Outcome([], "no picture in it")):
        assert Outcome.from_line(outcome.to_line()) == outcome


@pytest.mark.parametrize(
    "line", [b"", b"x", b"[]", b"{}", b"3", b'[[],""', b'["a", ""]', b'[["a"], ""]', b"[[], 3]"]
)
def test_what_is_no_outcome_is_not_taken_for_one(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Outcome.from_line(line)
