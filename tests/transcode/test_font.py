"""The font: seven rows of dots for each letter."""

from __future__ import annotations

import string

import pytest

from slipstream.transcode.font import ADVANCE, ROWS, dots, missing_letters


def drawn(text: str) -> list[str]:
    return ["".join(".#"[dot] for dot in row).rstrip(".") for row in dots(text)]


def test_letters_look_like_letters() -> None:
    assert drawn("7.") == [
        "#####",
        "....#",
        "...#",
        "..#",
        ".#",
        ".#.....##",
        ".#.....##",
    ]


def test_every_letter_is_as_wide_as_the_next() -> None:
    for text in ("", "1", "12:34"):
        assert [len(row) for row in dots(text)] == [ADVANCE * len(text)] * ROWS


def test_no_two_digits_look_alike() -> None:
    assert len({str(dots(digit)) for digit in string.digits}) == 10


def test_a_letter_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        dots("Ж")


def test_a_mark_is_put_over_its_letter_or_under_it() -> None:
    assert drawn("Ü") == [".#.#", "", "#...#", "#...#", "#...#", "#...#", ".###"]
    assert drawn("Ç") == [".###", "#", "#", "#", ".###", "..#", ".##"]


def test_a_letter_and_its_mark_may_come_apart() -> None:
    assert dots("E\N{COMBINING ACUTE ACCENT}") == dots("É")


def test_missing_letters_are_named_once_each() -> None:
    assert missing_letters("WIR KOMMEN ZURÜCK, À BIENTÔT!") == []
    assert missing_letters("ЖДИ a") == ["Ж", "Д", "И", "a"]
    assert missing_letters("ЖЖ") == ["Ж"]
    assert missing_letters("Ḝ") == ["Ḝ"]  # two marks
