"""vvcC, built from ISO 14496-15:2024 §11.2.4.2: no encoder at hand writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.vvc import VvcConfig, parse_vvc_config

# Main 10, level 3.1, one sub-layer, one byte of constraints, 1920x1080.
RECORD = bytes.fromhex("ff 0011 5f 01 02 33 80 00 0780 0438 0000 00")
LAYERED = bytes.fromhex("ff 0031 5f 00 03 33 80 60 30 2d 01 11223344 0780 0438 0000 00")


def test_a_record() -> None:
    config = parse_vvc_config(RECORD)
    assert config == VvcConfig(4, 1, False, 51, 10, 1920, 1080)
    assert (config.codec_string, config.profile_name) == ("vvc1.1.L51", "Main 10")


def test_sub_layers_and_sub_profiles_are_passed() -> None:
    config = parse_vvc_config(LAYERED)
    assert config == VvcConfig(4, 1, True, 51, 10, 1920, 1080)
    assert config.codec_string == "vvc1.1.H51"


def test_the_bytes_of_a_full_box_may_stand_in_front() -> None:
    assert parse_vvc_config(bytes(4) + RECORD) == parse_vvc_config(RECORD)


def test_a_record_may_say_nothing() -> None:
    config = parse_vvc_config(b"\xfe\x00")
    assert config == VvcConfig(4)
    assert (config.codec_string, config.profile_name) == (None, None)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x7f", RECORD[:11]])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        parse_vvc_config(data)


@given(st.binary(max_size=40), st.sampled_from([b"", b"\xff", LAYERED[:6]]))
def test_any_bytes_are_a_record_or_refused(data: bytes, head: bytes) -> None:
    try:
        parse_vvc_config(head + data)
    except MediaError:
        return
