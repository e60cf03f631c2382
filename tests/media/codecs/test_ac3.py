"""Syncframes by FFmpeg, and the corners of their headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.ac3 import Ac3Header, parse_ac3_header
from slipstream.media.frame import Kind
from slipstream.media.payload import coded_data
from tests.media.ffmpeg import encode_audio

AC3 = bytes.fromhex("0b77505214404 3e106f46370".replace(" ", ""))
EAC3 = bytes.fromhex("0b77017f3487c000200000004500")


def test_a_frame_of_ac3() -> None:
    assert parse_ac3_header(AC3) == Ac3Header(False, 48000, 2, 192000)


def test_a_frame_of_eac3() -> None:
    assert parse_ac3_header(EAC3) == Ac3Header(True, 48000, 2, None)


@pytest.mark.parametrize("encoder", ["ac3", "eac3"])
@pytest.mark.parametrize(
    ("layout", "channels"), [("mono", 1), ("3.0", 3), ("2.1", 3), ("quad", 4), ("5.1", 6)]
)
def test_layouts_of_ffmpeg(encoder: str, layout: str, channels: int) -> None:
    encoded = encode_audio(encoder, layout=layout, options={"b": "192k"})
    header = parse_ac3_header(bytes(coded_data(encoded.media(Kind.AUDIO)[0])))
    assert (header.enhanced, header.channels) == (encoder == "eac3", channels)


def test_slower_variants() -> None:
    half = AC3[:5] + bytes((9 << 3,)) + AC3[6:]
    assert parse_ac3_header(half) == Ac3Header(False, 24000, 2, 96000)
    reduced = EAC3[:4] + b"\xd7" + EAC3[5:]
    assert parse_ac3_header(reduced).sample_rate == 22050


@pytest.mark.parametrize(
    "data",
    [
        b"",
        AC3[:6],
        b"\x77\x0b" + AC3[2:],
        AC3[:4] + b"\xd4" + AC3[5:],  # rate code 3
        AC3[:4] + b"\x3f" + AC3[5:],  # frame size code 63
        AC3[:5] + b"\xff" + AC3[6:],  # identification 31
        EAC3[:4] + b"\xff" + EAC3[5:],
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        parse_ac3_header(data)


@given(st.binary(max_size=20))
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    try:
        header = parse_ac3_header(b"\x0b\x77" + data)
    except MediaError:
        return
    assert 1 <= header.channels <= 6
    assert header.sample_rate >= 8000
