"""av1C and sequence headers by SVT-AV1, then made up ones with all that may be in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.av1 import (
    Av1Config,
    Av1Sequence,
    find_av1_sequence,
    parse_av1_config,
)

SEQUENCE = bytes.fromhex("0a0a00000003b4fff00be001")  # OBU by SVT-AV1: 160x128
RECORD = bytes.fromhex("81000c00") + SEQUENCE
UNIT = bytes.fromhex("1200") + SEQUENCE + bytes.fromhex("32121000")


def obu(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8 + 64)
    payload = int(bits, 2).to_bytes(len(bits) // 8)
    return bytes((0x0A, len(payload))) + payload


SIZE = "1010" + "1001" + f"{1919:011b}" + f"{959:010b}"


def test_a_record_of_svt() -> None:
    config = parse_av1_config(RECORD)
    assert config == Av1Config(0, 0, False, 8, SEQUENCE)
    assert (config.codec_string, config.profile_name) == ("av01.0.00M.08", "Main")


@pytest.mark.parametrize(
    ("record", "codec_string"),
    [
        ("81080c00", "av01.0.08M.08"),
        ("81084c00", "av01.0.08M.10"),
        ("814de000", "av01.2.13H.12"),
        ("80048108cc00", "av01.0.08H.10"),  # the descriptor of MPEG-2 TS
    ],
)
def test_codec_strings(record: str, codec_string: str) -> None:
    assert parse_av1_config(bytes.fromhex(record)).codec_string == codec_string


@pytest.mark.parametrize("record", ["", "81", "81000c", "82000c00", "01000c00"])
def test_what_is_no_record_is_refused(record: str) -> None:
    with pytest.raises(MediaError):
        parse_av1_config(bytes.fromhex(record))


def test_a_sequence_header_of_svt() -> None:
    expected = Av1Sequence(0, 0, False, 160, 128, None)
    assert find_av1_sequence(SEQUENCE) == expected
    assert find_av1_sequence(UNIT[: 2 + len(SEQUENCE)]) == expected


def test_a_sequence_header_with_everything() -> None:
    timing = "1" + f"{1001:032b}" + f"{60000:032b}" + "1" + "010"  # two ticks per picture
    model = "1" + "00011" + "0" * 32 + "00000" + "00000"
    points = "1" + "00001"
    points += "0" * 12 + "01101" + "1" + "1" + "1010" * 2 + "0" + "1" + "0101"
    points += "0" * 12 + "00101" + "0" + "0"
    header = obu("010" + "0" + "0" + timing + model + points + SIZE)
    assert find_av1_sequence(header) == Av1Sequence(2, 13, True, 1920, 960, 60000 / 2002)


def test_a_still_picture() -> None:
    assert find_av1_sequence(obu("000" + "1" + "1" + "01000" + SIZE)) == Av1Sequence(
        0, 8, False, 1920, 960, None
    )


def test_a_unit_without_a_header_has_none() -> None:
    assert find_av1_sequence(b"") is None
    assert find_av1_sequence(b"\x12\x00\x32\x01\x10") is None
    assert find_av1_sequence(b"\x12\x00" * 20 + SEQUENCE) is None  # too far to look


def test_an_obu_may_have_an_extension_and_no_size() -> None:
    assert find_av1_sequence(b"\x16\x00\x00" + b"\x0c\x00" + SEQUENCE[2:]) is not None


@pytest.mark.parametrize("data", ["12", "1205", "0a0a0000", "12ffffffffffffffffff01", "0c"])
def test_what_is_no_unit_is_refused(data: str) -> None:
    with pytest.raises(MediaError):
        find_av1_sequence(bytes.fromhex(data))


@given(st.binary(max_size=60), st.sampled_from([b"", b"\x81", UNIT[:9], SEQUENCE]))
def test_any_bytes_are_read_or_refused(data: bytes, head: bytes) -> None:
    for read in (find_av1_sequence, parse_av1_config):
        try:
            read(head + data)
        except MediaError:
            continue
