"""Bits: by hand, then any."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.bits import BitReader


def test_numbers_cross_bytes() -> None:
    reader = BitReader(bytes.fromhex("a5c3f0"))
    assert (reader.read(3), reader.read(9), reader.flag()) == (0b101, 0b001011100, False)
    assert reader.left == 11
    reader.skip(3)
    assert reader.read(8) == 0xF0
    assert reader.read(0) == 0


# Table 9-2 and 9-3 of H.264.
@pytest.mark.parametrize(
    ("bits", "unsigned", "signed"),
    [
        ("1", 0, 0),
        ("010", 1, 1),
        ("011", 2, -1),
        ("00100", 3, 2),
        ("00111", 6, -3),
        ("0001000", 7, 4),
        ("000010010", 17, 9),
    ],
)
def test_exp_golomb_numbers(bits: str, unsigned: int, signed: int) -> None:
    data = int(bits.ljust(16, "0"), 2).to_bytes(2)
    assert BitReader(data).unsigned_golomb() == unsigned
    assert BitReader(data).signed_golomb() == signed


def test_exp_golomb_numbers_have_a_limit() -> None:
    assert BitReader(bytes(4) + b"\x80" + bytes(4)).unsigned_golomb() == (1 << 32) - 1
    with pytest.raises(MediaError, match="more than 32 bits"):
        BitReader(bytes(4) + b"\x40" + bytes(8)).unsigned_golomb()
    with pytest.raises(MediaError, match="things 17, limit 16"):
        BitReader(b"\x09\x00").bounded_golomb(16, "things")


def test_nothing_is_read_past_the_end() -> None:
    with pytest.raises(MediaError, match="codec header of 8 bits ends before 9"):
        BitReader(b"\xff").read(9)


@given(st.binary(max_size=12), st.lists(st.integers(0, 40), max_size=10))
def test_any_cuts_give_the_same_bits(data: bytes, sizes: list[int]) -> None:
    expected, bits = "".join(f"{byte:08b}" for byte in data), ""
    reader = BitReader(data)
    try:
        for size in sizes:
            bits += f"{reader.read(size):0{size}b}" if size else ""
    except MediaError:
        assert sum(sizes) > len(expected)
    assert expected.startswith(bits)
