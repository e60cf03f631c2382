"""What players get: plain tracks, visible colour, everything else untouched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.frame import Codec, Frame
from slipstream.media.players import (
    nano_offset_ns,
    plain_track,
    player_frame,
    split_tracks,
)
from slipstream.media.tag import parse_tag

AUDIO, VIDEO, DATA = 8, 9, 18
MANY_TRACKS = "96 11 68766331 01 000005 000028 0102 00 000004 ffffd8 03"
MANY_CODECS = "95 21 4f707573 00 000002 aabb 6d703461 01 000001 cc"


def frame(type_id: int, body: str) -> Frame:
    return parse_tag(type_id, 77, bytes.fromhex(body))


def body_of(shown: Frame | None) -> str | None:
    """The body as it was written above, spaces aside."""
    return None if shown is None else shown.body.hex()


PLAIN = [
    (VIDEO, "27010000000000000241 9a"),
    (VIDEO, "a168766331 000028 0000000202 01"),
    (VIDEO, "d468766331 020009"),
    (VIDEO, "d1 00"),
    (AUDIO, "af01 2110"),
    (AUDIO, "914f707573 fcfffe"),
    (DATA, "02000a 6f6e54657874446174 61 03 000009"),
]


@pytest.mark.parametrize(("type_id", "body"), PLAIN)
@pytest.mark.parametrize("multitrack", [False, True])
def test_ordinary_frames_are_the_same_objects(type_id: int, body: str, multitrack: bool) -> None:
    ordinary = frame(type_id, body)
    assert player_frame(ordinary, multitrack=multitrack) is ordinary
    assert split_tracks(ordinary) == [ordinary]
    assert nano_offset_ns(ordinary) == 0


@pytest.mark.parametrize("first", ["84", "94", "a4"])
@pytest.mark.parametrize("multitrack", [False, True])
def test_colour_gets_the_one_frame_type_that_ffmpeg_reads(first: str, multitrack: bool) -> None:
    """OBS sends 84; FFmpeg takes all but d4 for a picture."""
    shown = player_frame(frame(VIDEO, first + "68766331 020009"), multitrack=multitrack)
    assert shown is not None
    assert shown == frame(VIDEO, "d468766331 020009")


UNWRAPPED = [
    (VIDEO, "96 01 68766331 00 000028 0102", "91 68766331 000028 0102"),
    (VIDEO, "a6 03 68766331 00 0102", "a3 68766331 0102"),
    (VIDEO, "96 00 68766331 00 0101", "90 68766331 0101"),
    (VIDEO, "94 68766331 00", "d4 68766331 00"),
    (VIDEO, "86 04 68766331 00 020009", "d4 68766331 020009"),
    (VIDEO, "96 01 68766331 01 000028 0102", None),
    (VIDEO, MANY_TRACKS, "91 68766331 ffffd8 03"),
    (VIDEO, "97 02 07a120 01 61763031 12", "91 61763031 12"),
    (VIDEO, "97 02 07a120 06 01 61763031 00 12", "91 61763031 12"),
    (VIDEO, "97 02 07a120 06 01 61763031 02 12", None),
    (VIDEO, "96 11 61763031 01 000001 12 00 000000", None),  # no data in the default track
    (AUDIO, MANY_CODECS, "91 4f707573 aabb"),
    (AUDIO, "95 00 6d703461 00 1210", "af00 1210"),
    (AUDIO, "95 01 6d703461 00 2110", "af01 2110"),
    (AUDIO, "95 01 2e6d7033 00 fffb", "2f fffb"),
    (VIDEO, "96 00 61766331 00 0101", "1700000000 0101"),
    (VIDEO, "96 01 61766331 00 000028 0102", "1701000028 0102"),
    (VIDEO, "a6 03 61766331 00 0102", "2701000000 0102"),
    (VIDEO, "b6 03 61766331 00 0102", "3701000000 0102"),
    (VIDEO, "96 02 61766331 00", "1702000000"),
    (VIDEO, "97 02 07a120 01 61766331 000028 12", "1701000028 12"),
    (AUDIO, "95 04 6d703461 00 010200000003", "94 6d703461 010200000003"),
    (AUDIO, "95 01 6d703461 01 2110", None),
]


@pytest.mark.parametrize(("type_id", "body", "plain"), UNWRAPPED)
def test_players_without_multitrack_get_the_default_track_plain(
    type_id: int, body: str, plain: str | None
) -> None:
    shown = player_frame(frame(type_id, body), multitrack=False)
    assert shown == (None if plain is None else frame(type_id, plain))


@pytest.mark.parametrize(("type_id", "body", "plain"), UNWRAPPED)
def test_players_with_multitrack_get_all_tracks_untouched(
    type_id: int, body: str, plain: str | None
) -> None:
    whole = frame(type_id, body)
    shown = player_frame(whole, multitrack=True)
    assert shown is whole or body_of(shown) == "d4" + body_of(whole)[2:]  # type: ignore[index]


def test_the_default_track_has_a_composition_time_of_its_own() -> None:
    whole = frame(VIDEO, MANY_TRACKS)
    plain = plain_track(whole)
    assert whole.cts_ms == 40
    assert plain is not None
    assert plain.cts_ms == -40


def test_tracks_are_split() -> None:
    assert [body_of(single) for single in split_tracks(frame(VIDEO, MANY_TRACKS))] == [
        "960168766331010000280102",
        "96016876633100ffffd803",
    ]
    tracks = split_tracks(frame(AUDIO, MANY_CODECS))
    assert [(single.track, single.codec) for single in tracks] == [(0, Codec.OPUS), (1, Codec.AAC)]
    assert [body_of(single) for single in tracks] == ["95014f70757300aabb", "95016d70346101cc"]
    assert {single.dts_ms for single in tracks} == {77}


def test_split_tracks_keep_what_stood_before_them() -> None:
    whole = frame(VIDEO, "97 02 07a120 06 11 61763031 00 000001 12 01 000001 13")
    single, other = split_tracks(whole)
    assert body_of(single) == "970207a12006016176303100" + "12"
    assert nano_offset_ns(whole) == nano_offset_ns(other) == 500_000


def test_a_single_track_is_not_split() -> None:
    single = frame(VIDEO, "96 01 68766331 01 000028 0102")
    assert split_tracks(single) == [single]


@given(
    st.sampled_from([AUDIO, VIDEO]),
    st.sampled_from([MANY_TRACKS, MANY_CODECS, *(row[1] for row in UNWRAPPED)]),
    st.binary(max_size=12),
    st.integers(0, 30),
)
def test_whatever_was_read_can_be_shown(type_id: int, head: str, tail: bytes, cut: int) -> None:
    try:
        whole = parse_tag(type_id, 0, bytes.fromhex(head)[:cut] + tail)
    except MediaError:
        return
    nano_offset_ns(whole)
    player_frame(whole, multitrack=True)
    plain = player_frame(whole, multitrack=False)
    assert plain is None or plain.track == 0
    for single in split_tracks(whole):
        assert split_tracks(single) == [single]
