"""STREAMINFO in the three forms that are sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.flac import FlacConfig, parse_flac_config

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
