"""The test picture: what moves, what flashes, and that all of it stays in the picture."""

from __future__ import annotations

from datetime import datetime

import pytest

from slipstream.tools.picture import TestPicture
from slipstream.transcode.canvas import Canvas

NOON = datetime(2026, 1, 2, 12, 0, 0, 345_678)


def picture(width: int = 640, height: int = 360) -> TestPicture:
    return TestPicture(Canvas(width, height, (width, width // 2)))


def row(canvas: Canvas, y: int) -> bytes:
    return bytes(canvas.luma[y * canvas.width : (y + 1) * canvas.width])


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
