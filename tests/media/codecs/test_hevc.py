"""hvcC of x265, and its parts; sizes and rates are in test_hevc_sps and test_description."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.hevc import HevcConfig, parse_hevc_config

HEAD = bytes.fromhex("01 01 60000000 900000000000 1e f000 fc fd f8 f8 0000 0f 04")


ARRAYS = bytes.fromhex("03 a0 0001 0002 4001 21 0001 0003 420101 22 0000")


def record(head: bytes = HEAD) -> bytes:
    """A record with one VPS, one SPS and no PPS, all far too short."""
    return head[:22] + ARRAYS


def test_a_record() -> None:
    config = parse_hevc_config(record())
    assert config == HevcConfig(
        profile_space=0,
        high_tier=False,
        profile=1,
        compatibility=0x60000000,
        constraints=bytes.fromhex("900000000000"),
        level=30,
        bit_depth=8,
        length_size=4,
        vps=(b"\x40\x01",),
        sps=(b"\x42\x01\x01",),
        pps=(),
    )
    assert (config.codec_string, config.profile_name) == ("hvc1.1.6.L30.90", "Main")


@pytest.mark.parametrize(
    ("head", "codec_string"),
    [
        # The examples of ISO 14496-15, and one with everything in it.
        ("01 01 60000000 b00000000000 5d", "hvc1.1.6.L93.b0"),
        ("01 22 20000000 900000000000 7b", "hvc1.2.4.H123.90"),
        ("01 64 00000001 000000000001 96", "hvc1.A4.80000000.H150.0.0.0.0.0.1"),
        ("01 02 20000000 000000000000 7b", "hvc1.2.4.L123"),
    ],
)
def test_codec_strings(head: str, codec_string: str) -> None:
    start = bytes.fromhex(head)
    assert parse_hevc_config(record(start + HEAD[len(start) :])).codec_string == codec_string


def test_drafts_of_the_format_are_read() -> None:
    assert parse_hevc_config(record(b"\0" + HEAD[1:])).profile == 1


@pytest.mark.parametrize("size", [0, 1, 22, 23, 25, 27, 29, 33, len(record()) - 1])
def test_a_record_cut_off_is_refused(size: int) -> None:
    with pytest.raises(MediaError):
        parse_hevc_config(record()[:size])


@given(st.binary(max_size=80), st.sampled_from([b"", HEAD[:22], record()[:30]]))
def test_any_bytes_are_a_record_or_refused(data: bytes, head: bytes) -> None:
    try:
        config = parse_hevc_config(head + data)
    except MediaError:
        return
    assert config.codec_string.startswith("hvc1.")
    assert sum(map(len, config.sps)) <= len(head + data)
