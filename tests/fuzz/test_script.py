from __future__ import annotations

import pytest

from fuzz.script import Script, pieces, with_tail

DATA = bytes(range(100))


@pytest.mark.parametrize("at", [0, 1, 50, 100, 101, 65535])
@pytest.mark.parametrize("step", [0, 1, 7, 255])
def test_pieces_are_the_whole(at: int, step: int) -> None:
    assert b"".join(pieces(DATA, at, step)) == DATA


def test_bytes_are_cut_where_the_input_says() -> None:
    assert list(pieces(DATA, 30, 0)) == [DATA[:30], DATA[30:]]
    assert list(pieces(DATA, 97, 1)) == [DATA[:97], b"a", b"b", b"c", b""]
    assert [len(piece) for piece in pieces(DATA, 0, 10, most=3)] == [0, 10, 10, 10, 70]


def test_no_input_is_too_short() -> None:
    script = Script(b"\x01\x02\x03")
    assert (script.number(2), script.at_end) == (0x0201, False)
    assert (script.number(4), script.at_end) == (3, True)
    assert (script.number(1), script.take(5), script.rest()) == (0, b"", b"")
    assert Script(b"\xfe").signed(1) == -2
    assert Script(b"\xfe").signed(2) == 254
    assert with_tail(b"ab", 5) == (b"", b"ab\0\0\0")
    assert with_tail(b"abcdefg", 5) == (b"ab", b"cdefg")
