"""STREAMINFO in the three forms that are sent, and the lengths of frames."""

from __future__ import annotations

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.flac import FlacConfig, parse_flac_config, read_block_size

# By FFmpeg: blocks of 4608 samples, 48 kHz, stereo, 16 bits.
INFO = bytes.fromhex("12001200000000004a580bb802f000000000") + bytes(16)


@pytest.mark.parametrize(
    "prefix", [b"", b"\x00\x00\x00\x22", b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22", b"fLaC"]
)
@pytest.mark.parametrize("rest", [b"", b"\x84\x00\x00\x08"])
def test_all_forms(prefix: bytes, rest: bytes) -> None:
    assert parse_flac_config(prefix + INFO + rest) == FlacConfig(4608, 48000, 2, 16, INFO)


@pytest.mark.parametrize("data", [b"", INFO[:33], b"fLaC\x00\x00\x00\x22" + INFO[:33], bytes(34)])
def test_what_is_no_block_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        parse_flac_config(data)


@given(st.binary(max_size=60), st.sampled_from([b"", b"fLaC", b"fLaC\x80\x00\x00\x22"]))
def test_any_bytes_are_a_block_or_refused(data: bytes, head: bytes) -> None:
    try:
        config = parse_flac_config(head + data)
    except MediaError:
        return
    assert len(config.info) == 34
    assert 1 <= config.channels <= 8


@pytest.mark.parametrize("size", [4608, 4096, 1152, 576, 300, 256, 192, 100])
def test_frames_of_flac_say_how_long_they_are(size: int) -> None:
    encoder = av.CodecContext.create("flac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 44_100, "stereo", av.AudioFormat("s16")
    encoder.open()
    sound = av.AudioFrame(format="s16", layout="stereo", samples=size)
    sound.planes[0].update(bytes(sound.planes[0].buffer_size))
    sound.sample_rate = 44_100
    packets = [bytes(packet) for packet in (*encoder.encode(sound), *encoder.encode(None))]
    assert read_block_size(packets[0]) == size


@pytest.mark.parametrize(
    ("head", "samples"),
    [
        ("fff81918 00", 192),
        ("fff82918 00", 576),
        ("fff85918 00", 4608),
        ("fff88918 00", 256),
        ("fff8f918 00", 32_768),
        ("fff86918 00 63", 100),
        ("fff97918 c280 012b", 300),  # behind a number of two bytes
        ("fff97918 febfbfbfbfbfbf ffff", 65_536),  # of seven
    ],
)
def test_block_sizes_of_flac(head: str, samples: int) -> None:
    assert read_block_size(bytes.fromhex(head)) == samples


@pytest.mark.parametrize("head", ["", "fff8", "fff00918 00", "fff80918 00", "fff87918 c280 01"])
def test_what_is_no_frame_of_flac_is_refused(head: str) -> None:
    with pytest.raises(MediaError):
        read_block_size(bytes.fromhex(head))


@given(st.binary(max_size=12))
def test_any_frame_has_a_block_size_or_is_refused(data: bytes) -> None:
    try:
        size = read_block_size(b"\xff\xf8" + data)
    except MediaError:
        return
    assert 0 < size <= 65_536
