"""Video usability information: the part that H.264 (§E.1.1) and H.265 (§E.2.1) share."""

from __future__ import annotations

from slipstream.media.codecs.bits import BitReader

EXTENDED_SAR = 255  # aspect_ratio_idc: width and height follow, 16 bits each


def skip_display(reader: BitReader) -> None:
    """Pass aspect ratio, overscan, colour and the place of chroma samples."""
    if reader.flag() and reader.read(8) == EXTENDED_SAR:
        reader.skip(32)
    if reader.flag():
        reader.skip(1)
    if reader.flag():
        reader.skip(4)
        if reader.flag():
            reader.skip(24)
    if reader.flag():
        reader.unsigned_golomb()
        reader.unsigned_golomb()


def read_rate(reader: BitReader) -> float | None:
    """Read how many ticks there are in a second; None if there is nothing sensible."""
    if not reader.flag():
        return None
    tick, scale = reader.read(32), reader.read(32)
    return scale / tick if tick and scale else None
