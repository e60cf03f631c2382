"""FLV files: the document's bytes and FFmpeg's, then ours, cut anywhere, then any bytes."""

from __future__ import annotations

import io
from itertools import pairwise

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.flv import (
    FlvParser,
    FlvTag,
    build_flv_tag,
    flv_header,
    flv_tag_header,
    flv_tag_trailer,
)

HEADER = bytes.fromhex("464c5601 05 00000009 00000000")
ASC_TAG = bytes.fromhex("08 000004 000000 00 000000 af001210 0000000f")
LATE_TAG = bytes.fromhex("09 00000a 000002 01 000000 2701ffffd8 0000000141 00000015")
FILE = HEADER + ASC_TAG + LATE_TAG
TAGS = [
    FlvTag(8, 0, bytes.fromhex("af001210")),
    FlvTag(9, 0x01000002, bytes.fromhex("2701ffffd80000000141")),
]


def parse(*reads: bytes) -> list[FlvTag]:
    parser = FlvParser()
    return [tag for data in reads for tag in parser.receive_data(data)]


def test_a_file_of_known_bytes() -> None:
    assert parse(FILE) == TAGS


def test_the_same_bytes_are_built() -> None:
    assert flv_header() == HEADER
    assert flv_header() + b"".join(build_flv_tag(*tag) for tag in TAGS) == FILE
    body = TAGS[1].body
    assert flv_tag_header(9, 0x01000002, 10) + body + flv_tag_trailer(10) == LATE_TAG


def test_headers_claim_what_they_are_told() -> None:
    assert flv_header(audio=True, video=False)[4] == 4
    assert flv_header(audio=False, video=True)[4] == 1
    parser = FlvParser()
    parser.receive_data(flv_header(audio=True, video=False))
    assert (parser.has_audio, parser.has_video) == (True, False)


def test_a_file_byte_by_byte() -> None:
    assert parse(*(bytes((value,)) for value in FILE)) == TAGS


def test_a_tag_is_there_as_soon_as_its_last_byte_is() -> None:
    assert parse(FILE[:-4]) == TAGS
    assert parse(FILE[:-5]) == TAGS[:1]


@pytest.mark.parametrize(
    ("wire", "timestamp"),
    [
        ("000000 00", 0),
        ("ffffff 00", (1 << 24) - 1),
        ("ffffff 7f", (1 << 31) - 1),
        ("000000 80", -(1 << 31)),
        ("ffffb3 ff", -77),  # as FFmpeg reads it
    ],
)
def test_timestamps_are_signed_and_have_their_high_byte_last(wire: str, timestamp: int) -> None:
    tag = bytes.fromhex(f"08 000001 {wire} 000000 2f 0000000c")
    assert parse(HEADER + tag) == [FlvTag(8, timestamp, b"\x2f")]
    assert build_flv_tag(8, timestamp, b"\x2f") == tag
    assert build_flv_tag(8, timestamp % (1 << 32), b"\x2f") == tag


def test_tags_of_unknown_types_are_skipped() -> None:
    assert parse(HEADER + build_flv_tag(3, 0, b"?") + ASC_TAG) == TAGS[:1]


def test_a_longer_header_is_skipped() -> None:
    data = b"FLV\x01\x05\0\0\0\x0b??" + HEADER[9:] + ASC_TAG
    assert parse(data) == parse(data[:10], data[10:]) == TAGS[:1]


BROKEN = [
    (b"RIFF", "no FLV header: 52494646"),
    (b"FLX", "no FLV header"),
    (b"FLV\x02", "no FLV header"),
    (b"FLV\x01\x05\0\0\0\x08", "FLV header of 8 bytes"),
    (b"FLV\x01\x05\0\0\x10\0", "FLV header of 4096 bytes, limit 1024"),
    (HEADER + b"\x28" + bytes(10), "tag of type 0x28: encrypted"),
    (HEADER + b"\x09\xff\xff\xff" + bytes(7), "tag of 16777215 bytes, limit 8388608"),
]


@pytest.mark.parametrize(("data", "message"), BROKEN)
def test_what_is_no_flv_is_refused_by_the_next_call(data: bytes, message: str) -> None:
    parser = FlvParser()
    assert parser.receive_data(data) == []
    assert parser.error is not None
    with pytest.raises(MediaError, match=message):
        parser.receive_data(b"")


def test_tags_before_a_violation_come_out() -> None:
    parser = FlvParser()
    assert parser.receive_data(FILE + bytes.fromhex("29000000 00000000 000000")) == TAGS
    assert parser.error is not None


def test_the_limit_is_the_callers() -> None:
    at_limit, past_it = (HEADER + build_flv_tag(8, 0, bytes(size)) for size in (100, 101))
    parser = FlvParser(max_tag_size=100)
    assert len(parser.receive_data(at_limit)) == 1
    parser = FlvParser(max_tag_size=100)
    assert parser.receive_data(past_it) == []
    assert str(parser.error) == "tag of 101 bytes, limit 100"


def ffmpeg_file() -> bytes:
    """Two packets each of silence and black, written by FFmpeg's FLV muxer."""
    file = io.BytesIO()
    with av.open(file, "w", format="flv") as container:
        stream = container.add_stream("aac", rate=44100)
        for _ in range(3):
            sound = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
            for plane in sound.planes:
                plane.update(bytes(plane.buffer_size))
            sound.sample_rate = 44100
            container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    return file.getvalue()


def test_a_file_of_ffmpeg() -> None:
    data = ffmpeg_file()
    tags = parse(data)
    assert [tag.type_id for tag in tags[:3]] == [18, 8, 8]
    assert tags[0].body.startswith(b"\x02\x00\x0aonMetaData")
    assert [tag.body[:2].hex() for tag in tags[1:3]] == ["af00", "af01"]
    assert data == flv_header(video=False) + b"".join(build_flv_tag(*tag) for tag in tags)


def test_ffmpeg_reads_what_we_build() -> None:
    tags = parse(ffmpeg_file())
    data = flv_header() + b"".join(build_flv_tag(*tag) for tag in tags)
    with av.open(io.BytesIO(data), "r", format="flv") as container:
        packets = [packet for packet in container.demux() if packet.size]
    assert [bytes(packet) for packet in packets] == [tag.body[2:] for tag in tags[2:]]
    assert [packet.dts for packet in packets] == [tag.timestamp for tag in tags[2:]]


ANY_TAGS = st.lists(
    st.builds(
        FlvTag,
        st.sampled_from([8, 9, 15, 18]),
        st.integers(-(1 << 31), (1 << 31) - 1),
        st.binary(max_size=30),
    ),
    max_size=6,
)


@given(ANY_TAGS, st.lists(st.integers(0, 250), max_size=8))
def test_any_tags_survive_cut_anywhere(tags: list[FlvTag], cuts: list[int]) -> None:
    data = flv_header() + b"".join(build_flv_tag(*tag) for tag in tags)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    reads = [data[a:b] for a, b in pairwise(places)]
    assert parse(*reads) == tags


@given(
    st.builds(bytes.__add__, st.sampled_from([b"", b"FLV", HEADER, FILE]), st.binary(max_size=60)),
    st.integers(0, 80),
)
def test_any_bytes_come_out_the_same_whole_and_cut(data: bytes, cut: int) -> None:
    whole, parts = FlvParser(max_tag_size=20), FlvParser(max_tag_size=20)
    expected = whole.receive_data(data)
    tags = parts.receive_data(memoryview(data)[:cut])
    if parts.error is None:
        tags += parts.receive_data(bytearray(data[cut:]))
    assert tags == expected
    assert (parts.error is None) == (whole.error is None)
