"""The card: its words are there at any size, as large as there is room for."""

from __future__ import annotations

import pytest

from slipstream.transcode.canvas import BACKGROUND, TEXT, Canvas
from slipstream.transcode.card import card_letters, draw_card

WORDS = "We will be right back"


def card(width: int, height: int, text: str = WORDS) -> Canvas:
    canvas = Canvas(width, height, (width + 12, width // 2 + 6))  # with bytes behind each row
    draw_card(canvas, text)
    return canvas


def lit(canvas: Canvas) -> list[tuple[int, int]]:
    """Where the dots of words are."""
    stride = canvas.width + 12
    return [
        (index % stride, index // stride) for index, luma in enumerate(canvas.luma) if luma == TEXT
    ]


@pytest.mark.parametrize(
    ("width", "height"),
    [(1280, 720), (854, 480), (360, 640), (128, 96), (64, 48), (16, 16), (4096, 64)],
)
def test_every_size_has_words_within_it(width: int, height: int) -> None:
    canvas, empty = card(width, height), Canvas(width, height, (width + 12, width // 2 + 6))
    assert len(canvas.luma) == len(empty.luma)
    assert len(canvas.blue) == len(canvas.red) == len(empty.blue)
    dots = lit(canvas)
    assert dots
    assert all(x < width and y < height for x, y in dots)


def test_words_are_in_the_middle_and_easy_to_read() -> None:
    dots = lit(card(1280, 720))
    left, right = min(x for x, _ in dots), max(x for x, _ in dots)
    top, bottom = min(y for _, y in dots), max(y for _, y in dots)
    assert left + right == pytest.approx(1280, abs=16)
    assert (top + bottom) / 2 == pytest.approx(360, abs=32)
    assert right - left > 1280 * 0.4


def test_a_long_text_is_broken_between_words() -> None:
    one = {y for _, y in lit(card(640, 360, "Back soon"))}
    many = {y for _, y in lit(card(640, 360, "We are having our lunch and will be back at two"))}
    assert rows(many) > rows(one) == 1


def rows(lines: set[int]) -> int:
    """How many rows of words there are: runs of lines of dots."""
    return sum(y - 1 not in lines for y in lines)


def test_lines_are_about_as_long_as_one_another() -> None:
    dots = lit(card(1280, 720))
    upper = [x for x, y in dots if y < 340]
    lower = [x for x, y in dots if y > 380]
    assert upper
    assert max(upper) - min(upper) == pytest.approx(max(lower) - min(lower), abs=120)


def test_a_card_without_words_is_a_card() -> None:
    canvas = card(640, 360, "")
    assert not lit(canvas)
    assert canvas.luma[0] == BACKGROUND.luma


def test_what_a_word_processor_makes_of_quotes_is_undone() -> None:
    typed = "Don\N{RIGHT SINGLE QUOTATION MARK}t go \N{EN DASH} soon\N{HORIZONTAL ELLIPSIS}"
    assert card_letters(typed) == "DON'T GO - SOON..."
    assert card_letters("Grüße") == "GRÜSSE"
