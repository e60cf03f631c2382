"""A picture to draw on: the three planes of YUV 4:2:0, as bytes and without any library.

What is drawn is rectangles, rows and words. Planes are assigned in slices, so drawing costs a
small part of what encoding does. No place is checked: what lies outside belongs to the next row.
"""

from __future__ import annotations

from typing import NamedTuple

from slipstream.transcode.font import dots


class Colour(NamedTuple):
    """A colour as BT.709 has it, in the range of television: black is 16, white 235."""

    luma: int
    blue: int = 128
    red: int = 128


BACKGROUND = Colour(30, 136, 126)
TEXT = 225
BARS = (  # of 75 %, in the order that every television engineer expects
    Colour(180),
    Colour(168, 44, 136),
    Colour(145, 147, 44),
    Colour(133, 63, 52),
    Colour(63, 193, 204),
    Colour(51, 109, 212),
    Colour(28, 212, 120),
)


class Canvas:
    """Three planes of bytes. All places and sizes are in dots; those of rectangles are even.

    Args:
        width: of the picture.
        height: of the picture.
        strides: bytes from one row to the next, of the luma and of the chroma planes.
    """

    def __init__(self, width: int, height: int, strides: tuple[int, int]) -> None:
        self.width = width
        self.height = height
        self._stride, self._chroma_stride = strides
        self.luma = bytearray(self._stride * height)
        self.blue = bytearray(self._chroma_stride * (height // 2))
        self.red = bytearray(self._chroma_stride * (height // 2))

    def fill(self, x: int, y: int, width: int, height: int, colour: Colour) -> None:
        """Draw a rectangle."""
        _fill(self.luma, self._stride, x, y, bytes((colour.luma,)) * width, height)
        half = x // 2, y // 2, width // 2, height // 2
        for plane, value in ((self.blue, colour.blue), (self.red, colour.red)):
            row = bytes((value,)) * half[2]
            _fill(plane, self._chroma_stride, half[0], half[1], row, half[3])

    def rows(self, y: int, height: int, luma: bytes, blue: bytes, red: bytes) -> None:
        """Draw rows that are all alike, over the whole width."""
        _fill(self.luma, self._stride, 0, y, luma, height)
        _fill(self.blue, self._chroma_stride, 0, y // 2, blue, height // 2)
        _fill(self.red, self._chroma_stride, 0, y // 2, red, height // 2)

    def write(self, x: int, y: int, scale: int, text: str, ink: int, paper: int) -> None:
        """Write text over a place whose colour is grey; each dot is `scale` dots wide and high."""
        on, off = bytes((ink,)) * scale, bytes((paper,)) * scale
        for row, lit in enumerate(dots(text)):
            line = b"".join([on if dot else off for dot in lit])
            _fill(self.luma, self._stride, x, y + row * scale, line, scale)


def _fill(plane: bytearray, stride: int, x: int, y: int, row: bytes, height: int) -> None:
    width = len(row)
    for start in range(y * stride + x, (y + height) * stride + x, stride):
        plane[start : start + width] = row
