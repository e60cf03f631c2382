"""Headers of MP3 frames; LAME's are in test_description."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.mp3 import Mp3Header, parse_mp3_header


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("fffb9064", Mp3Header(True, 44100, 2)),
        ("fffb94c4", Mp3Header(True, 48000, 1)),
        ("fff38864", Mp3Header(False, 16000, 2)),
        ("ffe38064", Mp3Header(False, 11025, 2)),  # MPEG-2.5
    ],
)
def test_headers(data: str, expected: Mp3Header) -> None:
    assert parse_mp3_header(bytes.fromhex(data)) == expected


@pytest.mark.parametrize(
    "data",
    ["", "fffb", "494433 04", "fffd9064", "ffeb9064", "fffbf064", "fffb9c64"],
)
def test_what_is_no_frame_is_refused(data: str) -> None:
    with pytest.raises(MediaError):
        parse_mp3_header(bytes.fromhex(data))


@given(st.binary(max_size=6))
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    try:
        header = parse_mp3_header(b"\xff" + data)
    except MediaError:
        return
    assert header.codec_string in ("mp4a.6B", "mp4a.69")
