"""The load's FLV: the document's bytes and FFmpeg's, whole and cut anywhere, then damage."""

from itertools import pairwise
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.chunks import AUDIO, VIDEO, Message
from bench.load.client import ClientError
from bench.load.flv import FlvReader
from bench.load.http_flv import HttpFlvReader
from bench.load.ws_flv import WsFlvReader
from slipstream.formats import WsFlvFormat
from slipstream.log import Log
from slipstream.log.segment import Buffer
from slipstream.media import parse_tag

FILM = Path(__file__).parent.parent / "captures" / "h264-aac.flv"  # made by FFmpeg
HEADER = bytes.fromhex("464c5601 05 00000009 00000000")
SOUND = bytes.fromhex("08 000004 000000 00 000000 af001210 0000000f")
LATE_PICTURE = bytes.fromhex("09 00000a 000002 01 000000 2701ffffd8 0000000141 00000015")
FILE = HEADER + SOUND + LATE_PICTURE
MESSAGES = [
    Message(0, AUDIO, 0, bytes.fromhex("af001210")),
    Message(0x01000002, VIDEO, 0, bytes.fromhex("2701ffffd80000000141")),  # after 4.6 hours
]
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: video/x-flv\r\n\r\n"


def test_a_file_of_known_bytes() -> None:
    assert FlvReader().receive_data(FILE) == MESSAGES


def test_a_film_of_ffmpeg_has_the_packets_that_ffmpeg_finds_in_it() -> None:
    with av.open(str(FILM)) as film:
        expected = [
            (packet.stream.type, packet.dts, bytes(packet))
            for packet in film.demux()
            if packet.dts is not None
        ]
    found = [
        ("video", m.timestamp, m.payload[5:])
        if m.type_id == VIDEO
        else ("audio", m.timestamp, m.payload[2:])
        for m in FlvReader().receive_data(FILM.read_bytes())
        if m.type_id in (AUDIO, VIDEO) and m.payload[1] == 1  # neither configurations nor the end
    ]
    assert found == expected
    assert len(found) > 100


@given(cuts=st.lists(st.integers(0, len(HEAD + FILE)), max_size=6))
def test_a_response_is_read_wherever_it_is_cut(cuts: list[int]) -> None:
    response = HEAD + FILE
    places = sorted({0, *cuts, len(response)})
    reader = HttpFlvReader()
    messages = [
        message
        for start, end in pairwise(places)
        for message in reader.receive_data(response[start:end])
    ]
    assert messages == MESSAGES


@given(cuts=st.lists(st.integers(0, 4096), max_size=6), size=st.sampled_from((5, 200, 70_000)))
def test_messages_of_a_websocket_are_read_wherever_they_are_cut(cuts: list[int], size: int) -> None:
    sent = [parse_tag(9, 40 * n, b"\x27\x01\0\0\0" + bytes(size)) for n in range(3)]
    form = WsFlvFormat(Log())
    parts: list[Buffer] = []
    for frame in sent:
        form.wrap(parts, frame, frame.dts_ms)
    response = UPGRADED + b"".join([*form.greet((), 0), *parts])
    places = sorted({0, *(cut % len(response) for cut in cuts), len(response)})
    reader = WsFlvReader()
    messages = [
        message
        for start, end in pairwise(places)
        for message in reader.receive_data(response[start:end])
    ]
    assert messages == [Message(frame.dts_ms, VIDEO, 0, frame.body) for frame in sent]


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 404 Not Found\r\n\r\n", b"HTTP/1.1 101 x\r\n\r\n\x88\x02\x03\xe8"]
)
def test_a_refused_websocket_and_its_end_are_errors(data: bytes) -> None:
    with pytest.raises(ClientError):
        WsFlvReader().receive_data(data)


@pytest.mark.parametrize("damage", [-1, 1])
def test_a_byte_too_few_or_too_many_is_noticed(damage: int) -> None:
    body_at = len(HEADER) + 11
    damaged = FILE[:body_at] + bytes(max(0, damage)) + FILE[body_at + max(0, -damage) :]
    with pytest.raises(ValueError, match="FLV tag of 15 bytes"):
        FlvReader().receive_data(damaged)


def test_what_is_no_flv_is_an_error() -> None:
    with pytest.raises(ValueError, match="begins with"):
        FlvReader().receive_data(b"<html>not found</html>")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_refusal_and_a_chunked_response_are_errors(head: bytes) -> None:
    with pytest.raises(ClientError):
        HttpFlvReader().receive_data(head)
