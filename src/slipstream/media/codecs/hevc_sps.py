"""H.265: the sequence parameter set (§7.3.2.2), as far as size and frame rate.

The frame rate stands near the end, behind lists whose length depends on what stands in them;
most of this module is about getting past those.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.errors import MediaError
from slipstream.media.codecs.bits import BitReader
from slipstream.media.codecs.vui import read_rate, skip_display
from slipstream.media.nal import without_emulation

MAX_SIZE = 1 << 16  # pixels; level 6.2 ends at 16888
MAX_REFERENCE_SETS = 64  # §7.4.3.2.1
MAX_PICTURES_IN_SET = 16
MAX_LONG_TERM = 32


@dataclass(frozen=True, slots=True)
class HevcSps:
    """What a sequence parameter set says about the pictures."""

    width: int
    height: int
    bit_depth: int
    frame_rate: float | None  # None where no timing is given


def parse_hevc_sps(unit: bytes) -> HevcSps:
    """Read a sequence parameter set, a NAL unit with its header.

    Raises:
        MediaError: cut off, or with impossible numbers.
    """
    reader = BitReader(without_emulation(unit[2:]))
    reader.skip(4)
    sub_layers = reader.read(3)
    reader.skip(1)
    _skip_profile_tier_level(reader, sub_layers)
    reader.unsigned_golomb()
    chroma_format = reader.bounded_golomb(3, "chroma format")
    if chroma_format == 3:
        reader.skip(1)
    width = reader.bounded_golomb(MAX_SIZE, "H.265 width")
    height = reader.bounded_golomb(MAX_SIZE, "H.265 height")
    if reader.flag():
        left, right, top, bottom = (reader.unsigned_golomb() for _ in range(4))
        width -= (left + right) * (2 if chroma_format in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma_format == 1 else 1)
    if width <= 0 or height <= 0:
        raise MediaError(f"H.265 picture of {width}x{height}")
    bit_depth = 8 + reader.bounded_golomb(8, "bit depth above 8")
    reader.unsigned_golomb()
    order_bits = 4 + reader.bounded_golomb(12, "bits of picture order above 4")
    _skip_coding_tools(reader, sub_layers)
    _skip_references(reader, order_bits)
    reader.skip(2)
    frame_rate = _read_frame_rate(reader) if reader.flag() else None
    return HevcSps(width, height, bit_depth, frame_rate)


def _skip_profile_tier_level(reader: BitReader, sub_layers: int) -> None:
    reader.skip(96)
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers)]
    if sub_layers:
        reader.skip(2 * (8 - sub_layers))
    for profile, level in present:
        reader.skip(88 * profile + 8 * level)


def _skip_coding_tools(reader: BitReader, sub_layers: int) -> None:
    """Pass the fields from the order information to the PCM ones."""
    for _ in range(sub_layers + 1 if reader.flag() else 1):
        for _ in range(3):
            reader.unsigned_golomb()
    for _ in range(6):
        reader.unsigned_golomb()
    if reader.flag() and reader.flag():
        _skip_scaling_lists(reader)
    reader.skip(2)
    if reader.flag():
        reader.skip(8)
        reader.unsigned_golomb()
        reader.unsigned_golomb()
        reader.skip(1)


def _skip_scaling_lists(reader: BitReader) -> None:
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not reader.flag():
                reader.unsigned_golomb()
                continue
            if size > 1:
                reader.signed_golomb()
            for _ in range(min(64, 1 << (4 + 2 * size))):
                reader.signed_golomb()


def _skip_references(reader: BitReader, order_bits: int) -> None:
    before: list[int] = []
    for index in range(reader.bounded_golomb(MAX_REFERENCE_SETS, "reference picture sets")):
        before = _read_reference_set(reader, before, index)
    if reader.flag():
        count = reader.bounded_golomb(MAX_LONG_TERM, "long-term reference pictures")
        reader.skip(count * (order_bits + 1))


def _read_reference_set(reader: BitReader, before: list[int], index: int) -> list[int]:
    """Read st_ref_pic_set (§7.3.7); return the distances in picture order it holds.

    A set may be given by its difference from the one before, one flag or two per picture.
    """
    if index and reader.flag():
        sign = -1 if reader.flag() else 1
        shift = sign * (reader.unsigned_golomb() + 1)
        # The pictures of the set before, and that set's own picture (§7.4.8).
        kept = [d + shift for d in (*before, 0) if reader.flag() or reader.flag()]
        distances = [d for d in kept if d]
        if len(distances) > MAX_PICTURES_IN_SET:
            raise MediaError(f"{len(distances)} reference pictures, limit {MAX_PICTURES_IN_SET}")
        return sorted((d for d in distances if d < 0), reverse=True) + sorted(
            d for d in distances if d > 0
        )
    distances = []
    counts = [reader.bounded_golomb(MAX_PICTURES_IN_SET, "reference pictures") for _ in range(2)]
    for sign, count in zip((-1, 1), counts, strict=True):
        distance = 0
        for _ in range(count):
            distance += sign * (reader.unsigned_golomb() + 1)
            distances.append(distance)
            reader.skip(1)
    return distances


def _read_frame_rate(reader: BitReader) -> float | None:
    skip_display(reader)
    reader.skip(3)
    if reader.flag():
        for _ in range(4):
            reader.unsigned_golomb()
    return read_rate(reader)
