"""The canvas: what is drawn stays in its place."""

from __future__ import annotations

from slipstream.transcode.canvas import Canvas, Colour
from slipstream.transcode.font import ADVANCE, dots


def test_a_rectangle_colours_its_dots_and_no_others() -> None:
    canvas = Canvas(16, 8, (20, 12))  # with bytes behind each row that are nobody's
    canvas.fill(4, 2, 8, 4, Colour(200, 50, 60))
    assert canvas.luma.count(200) == 8 * 4
    assert canvas.blue.count(50) == canvas.red.count(60) == 4 * 2
    assert canvas.luma[2 * 20 + 4] == canvas.luma[5 * 20 + 11] == 200
    assert canvas.blue[1 * 12 + 2] == 50


def test_text_is_written_in_squares() -> None:
    canvas = Canvas(64, 32, (64, 32))
    canvas.write(2, 4, 2, "4", ink=9, paper=1)
    lit = dots("4")
    for y, line in enumerate(lit):
        for x, dot in enumerate(line):
            square = [
                canvas.luma[(4 + 2 * y + dy) * 64 + 2 + 2 * x + dx]
                for dx in (0, 1)
                for dy in (0, 1)
            ]
            assert square == [9 if dot else 1] * 4
    assert len(lit[0]) == ADVANCE
