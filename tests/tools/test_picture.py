"""The test picture: what moves, what flashes, and that all of it stays in the picture."""

from __future__ import annotations

from datetime import datetime

import pytest

from slipstream.tools.font import ADVANCE, dots
from slipstream.tools.picture import Canvas, Colour, TestPicture

NOON = datetime(2026, 1, 2, 12, 0, 0, 345_678)


def picture(width: int = 640, height: int = 360) -> TestPicture:
    return TestPicture(Canvas(width, height, (width, width // 2)))


def row(canvas: Canvas, y: int) -> bytes:
    return bytes(canvas.luma[y * canvas.width : (y + 1) * canvas.width])


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


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360), (320, 180), (426, 240)])
def test_every_size_is_drawn_within_its_planes(width: int, height: int) -> None:
    test = picture(width, height)
    sizes = [len(plane) for plane in (test.canvas.luma, test.canvas.blue, test.canvas.red)]
    for number in range(60):
        test.draw(number, number / 30, NOON)
    assert sizes == [len(plane) for plane in (test.canvas.luma, test.canvas.blue, test.canvas.red)]


def test_no_picture_is_like_the_one_before() -> None:
    test, seen = picture(), set()
    for number in range(90):
        test.draw(number, number / 30, NOON)
        seen.add(bytes(test.canvas.luma))
    assert len(seen) == 90


def test_it_flashes_at_each_full_second() -> None:
    test = picture()
    white = []
    for tenth in range(25):
        test.draw(0, tenth / 10, NOON)
        white.append(235 in test.canvas.luma)
    assert [tenth for tenth, lit in enumerate(white) if lit] == [0, 10, 20]


def test_the_clock_shows_the_time_on_the_wall() -> None:
    test, other = picture(), picture()
    test.draw(0, 0, NOON)
    other.draw(0, 0, NOON.replace(microsecond=346_000))
    differing = [y for y in range(360) if row(test.canvas, y) != row(other.canvas, y)]
    scale = 360 // 72
    assert differing
    assert all(26 * scale <= y < 33 * scale for y in differing)  # the clock's seven rows
