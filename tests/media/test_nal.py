"""NAL units: cut apart, freed of emulation prevention, asked whether anybody needs them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.frame import Codec
from slipstream.media.nal import is_disposable, split_units, without_emulation


def test_units_are_split() -> None:
    data = bytes.fromhex("00000002 09f0 00000000 00000003 419a23")
    assert list(split_units(data)) == [b"\x09\xf0", b"\x41\x9a\x23"]
    assert list(split_units(b"\x00\x02\x09\xf0\x00\x01\x41", 2)) == [b"\x09\xf0", b"\x41"]
    assert list(split_units(b"")) == []


@pytest.mark.parametrize("data", ["00", "000000", "00000002 09", "00000001 09 0000"])
def test_units_that_go_past_the_end_are_refused(data: str) -> None:
    with pytest.raises(MediaError, match="NAL unit up to byte"):
        list(split_units(bytes.fromhex(data)))


@pytest.mark.parametrize(
    ("unit", "plain"),
    [
        ("67 000003 01", "67 0000 01"),
        ("67 000003 000003 00", "67 0000 0000 00"),
        ("67 000003 03", "67 0000 03"),
        ("67 0003 00", "67 0003 00"),
        ("67 0000", "67 0000"),
    ],
)
def test_emulation_prevention_is_removed(unit: str, plain: str) -> None:
    assert without_emulation(bytes.fromhex(unit)) == bytes.fromhex(plain)


@given(st.sampled_from(Codec), st.binary(max_size=40), st.integers(0, 50))
def test_any_bytes_are_disposable_or_not(codec: Codec, body: bytes, start: int) -> None:
    assert is_disposable(codec, body, start) in (True, False)


@given(st.binary(max_size=60), st.sampled_from([1, 2, 4]))
def test_any_bytes_are_units_or_refused(data: bytes, length_size: int) -> None:
    try:
        units = list(split_units(data, length_size))
    except MediaError:
        return
    assert sum(map(len, units)) <= len(data)
