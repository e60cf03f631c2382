"""The test picture, drawn without any library: bars, a clock, a counter, things that move.

What stands still is drawn once. For each picture only a few hundred slices are assigned, so
drawing costs a small part of what encoding does.

    the clock       wall time when the picture was made: less the clock beside it, the delay
    the counter     a picture that is missing or comes twice is seen
    the flash       for a tenth of each second, together with the beep: sound and picture agree
    the marker      crosses once a second, the strip below it flows: stutter is seen
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from math import cos, pi

from slipstream.transcode.canvas import BACKGROUND, BARS, TEXT, Canvas, Colour
from slipstream.transcode.font import ADVANCE

FLASH_S = 0.1
STRIP_SPEED = 240  # dots a second

DARK = Colour(20, 134, 127)
DIM_TEXT = 130
MARKER = Colour(225)
FLASH = Colour(235)
TRACK = Colour(60, 134, 127)


class TestPicture:
    """Call `draw()` for each picture, then take the planes of `canvas`."""

    __test__ = False  # no test, whatever pytest makes of the name

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        width, height = canvas.width, canvas.height
        unit = height // 72  # everything is measured in it, so that every size looks alike
        self._clock_scale = unit
        self._clock_y = 26 * unit
        self._counter_scale = max(unit // 2, 1)
        self._counter_y = 38 * unit
        self._flash = _even(width - 10 * unit), _even(4 * unit), _even(6 * unit)
        self._track_y = _even(48 * unit)
        self._marker_size = _even(4 * unit)
        self._strip_y, self._strip_height = _even(58 * unit), _even(8 * unit)
        self._draw_still(unit)

    def draw(self, number: int, seconds: float, wall: datetime) -> None:
        """Draw the next picture.

        Args:
            number: of the picture.
            seconds: its time in the stream.
            wall: what a clock on the wall shows.
        """
        clock = wall.strftime("%H:%M:%S.") + f"{wall.microsecond // 1000:03d}"
        self._centre(clock, self._clock_scale, self._clock_y, TEXT)
        self._centre(f"FRAME {number:08d}", self._counter_scale, self._counter_y, DIM_TEXT)
        x, y, size = self._flash
        self.canvas.fill(x, y, size, size, FLASH if seconds % 1 < FLASH_S else DARK)
        self._draw_marker(seconds)
        self._draw_strip(seconds)

    def _draw_still(self, unit: int) -> None:
        canvas = self.canvas
        canvas.fill(0, 0, canvas.width, canvas.height, BACKGROUND)
        left = 4 * unit
        canvas.write(left, 5 * unit, max(unit // 2, 1), "SLIPSTREAM", TEXT, BACKGROUND.luma)
        edges = [_even(canvas.width * n // len(BARS)) for n in range(len(BARS) + 1)]
        for colour, start, end in zip(BARS, edges, edges[1:], strict=False):
            canvas.fill(start, _even(12 * unit), end - start, _even(10 * unit), colour)

    def _centre(self, text: str, scale: int, y: int, ink: int) -> None:
        x = (self.canvas.width - (len(text) * ADVANCE - 1) * scale) // 2
        self.canvas.write(x, y, scale, text, ink, BACKGROUND.luma)

    def _draw_marker(self, seconds: float) -> None:
        """Go to the right and back, slow at the ends as a pendulum is."""
        canvas, size = self.canvas, self._marker_size
        canvas.fill(0, self._track_y, canvas.width, size, BACKGROUND)
        canvas.fill(0, self._track_y + _even(size // 2), canvas.width, 2, TRACK)
        reach = canvas.width - 2 * size
        x = _even(int(size / 2 + reach * (1 - cos(seconds * pi)) / 2))
        canvas.fill(x, self._track_y, size, size, MARKER)

    def _draw_strip(self, seconds: float) -> None:
        width = self.canvas.width
        luma, blue, red = _rainbow(width)
        at = _even(int(seconds * STRIP_SPEED) % width)
        half, chroma_at = width // 2, at // 2
        self.canvas.rows(
            self._strip_y,
            self._strip_height,
            luma[at : at + width],
            blue[chroma_at : chroma_at + half],
            red[chroma_at : chroma_at + half],
        )


@cache
def _rainbow(width: int) -> tuple[bytes, bytes, bytes]:
    """Return a row of all colours, twice, so that any `width` dots of it can be cut out."""
    luma = [round(126 + 70 * cos(2 * pi * x / width)) for x in range(width)]
    blue = [round(128 + 90 * cos(4 * pi * x / width)) for x in range(width // 2)]
    red = [round(128 + 90 * cos(4 * pi * x / width + 2 * pi / 3)) for x in range(width // 2)]
    return bytes(luma) * 2, bytes(blue) * 2, bytes(red) * 2


def _even(number: int) -> int:
    return number // 2 * 2
