"""What viewers get: read back by parsers of other parts, byte for byte."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.formats import Flag, FlvFormat, Format, RtmpFormat, RtmpMultitrackFormat
from slipstream.log import SYNC, Log
from slipstream.media import FlvParser, Frame, Kind, build_metadata, parse_tag
from slipstream.rtmp import OUT_CHUNK_SIZE, PUBLISHER, ChunkDecoder
from tests.hub.stage import audio_config, inter, key, sound, video_config


def content(log: Log) -> bytes:
    return b"".join(os.pread(segment.fd, segment.size, 0) for segment in log.segments)


def made(form_class: type[Format], frames: Sequence[Frame]) -> Format:
    form = form_class(Log())
    form.append(frames, [])
    return form


def read_rtmp(data: bytes) -> list[tuple[int, int, int, bytes]]:
    decoder = ChunkDecoder(limits=PUBLISHER)
    decoder.chunk_size = OUT_CHUNK_SIZE
    messages = decoder.receive_data(data)
    assert decoder.error is None
    return [(m.type_id, m.timestamp, m.stream_id, m.payload) for m in messages]


def test_rtmp_headers_are_of_type_0_on_message_stream_1() -> None:
    """RTMP 1.0 §5.3.1.2.1: csid 6, time, length, type, stream in little-endian."""
    form = made(RtmpFormat, [inter(0x010203)])
    assert content(form.log)[:12] == bytes.fromhex("06 010203 00000a 09 01000000")


def test_flv_tags_carry_their_size_behind_them() -> None:
    """FLV 10.1 annex E.4.1; the upper 8 bits of the time come last."""
    form = made(FlvFormat, [sound(0x01020304)])
    assert content(form.log)[:11] == bytes.fromhex("08 000004 020304 01 000000")
    assert content(form.log)[-4:] == (15).to_bytes(4)


@pytest.mark.parametrize("size", [1, OUT_CHUNK_SIZE - 9, OUT_CHUNK_SIZE, 200_000])
@pytest.mark.parametrize("time_ms", [0, 0xFFFFFE, 0xFFFFFF, 0x1000000, 0xFFFFFFFF])
def test_any_size_at_any_time_reads_back(size: int, time_ms: int) -> None:
    frame = inter(time_ms, os.urandom(size))
    rtmp, flv = made(RtmpFormat, [frame]), made(FlvFormat, [frame])
    assert read_rtmp(content(rtmp.log)) == [(9, time_ms, 1, frame.body)]
    parser = FlvParser()
    parser.receive_data(b"FLV\x01\x05\0\0\0\x09\0\0\0\0")
    (tag,) = parser.receive_data(content(flv.log))
    assert (tag.type_id, tag.timestamp & 0xFFFFFFFF, tag.body) == (9, time_ms, frame.body)


def test_times_beyond_32_bits_go_out_as_their_low_32() -> None:
    assert read_rtmp(content(made(RtmpFormat, [sound(2**32 + 7)]).log))[0][1] == 7


def test_the_index_says_what_each_entry_is() -> None:
    form = RtmpFormat(Log())
    greeting = (video_config(),)
    frames = [video_config(), audio_config(), key(0), sound(1), inter(2)]
    form.append(frames, [(2, greeting)])
    (segment,) = form.log.segments
    assert list(segment.flags) == [
        Flag.VIDEO | Flag.CONFIG,
        Flag.AUDIO | Flag.CONFIG,
        Flag.VIDEO | Flag.KEYFRAME | SYNC,
        Flag.AUDIO,
        Flag.VIDEO,
    ]
    assert form.log.sync_points[-1].greeting is greeting
    position = form.log.sync_points[-1].position
    assert read_rtmp(content(form.log)[position:])[0][3] == frames[2].body


def test_a_greeting_is_the_configurations_at_the_time_of_the_start() -> None:
    greeting = (audio_config(3), video_config(5))
    messages = made(RtmpFormat, []).greet(greeting, 1234)
    assert read_rtmp(b"".join(messages)) == [
        (8, 1234, 1, greeting[0].body),
        (9, 1234, 1, greeting[1].body),
    ]


def test_metadata_is_greeted_with_at_time_0() -> None:
    metadata = parse_tag(18, 77, build_metadata({"width": 640}))
    messages = made(RtmpFormat, []).greet((metadata, video_config(5)), 1234)
    assert [time_ms for _, time_ms, *_ in read_rtmp(b"".join(messages))] == [0, 1234]


@pytest.mark.parametrize(
    ("greeting", "flags"),
    [
        ((audio_config(), video_config()), 5),
        ((video_config(),), 1),
        ((audio_config(),), 4),
        ((), 5),
    ],
)
def test_a_file_header_claims_what_there_is(greeting: tuple[Frame, ...], flags: int) -> None:
    header = made(FlvFormat, []).greet(greeting, 0)[0]
    assert header == b"FLV\x01" + bytes((flags,)) + bytes.fromhex("00000009 00000000")


ONE_TRACK = bytes.fromhex("96 01 68766331 01 000000") + b"picture"  # coded frames of track 1
DEFAULT = bytes.fromhex("96 01 68766331 00 000000") + b"picture"  # the same of track 0


def test_further_tracks_are_for_those_who_announced_multitrack() -> None:
    frames = [parse_tag(9, 0, body) for body in (ONE_TRACK, DEFAULT)]
    plain = read_rtmp(content(made(RtmpFormat, frames).log))
    assert [payload for *_, payload in plain] == [bytes.fromhex("91 68766331 000000") + b"picture"]
    everything = read_rtmp(content(made(RtmpMultitrackFormat, frames).log))
    assert [payload for *_, payload in everything] == [ONE_TRACK, DEFAULT]


any_frame = st.builds(
    lambda kind, time_ms, body: Frame(kind, "x", time_ms, 0, False, False, False, 0, body),
    st.sampled_from(list(Kind)),
    st.integers(0, 2**33),
    st.binary(min_size=1, max_size=300).map(lambda tail: b"\x27" + tail),
)


@settings(max_examples=100)
@given(st.lists(any_frame, max_size=20))
def test_what_goes_in_comes_out(frames: list[Frame]) -> None:
    got = read_rtmp(content(made(RtmpFormat, frames).log))
    assert got == [(f.kind, f.dts_ms & 0xFFFFFFFF, 1, f.body) for f in frames]
