"""H.264: the configuration record "avcC" (ISO 14496-15 §5.3.3.1) and the SPS in it.

In: the data of a sequence start. Out: profile, level, parameter sets; from a sequence
parameter set (H.264 §7.3.2.1.1) the size, the frame rate and the depth.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.errors import MediaError
from slipstream.media.codecs.bits import BitReader
from slipstream.media.codecs.vui import read_rate, skip_display
from slipstream.media.nal import read_sized_units, without_emulation

PROFILES = {
    44: "CAVLC 4:4:4 Intra",
    66: "Baseline",
    77: "Main",
    88: "Extended",
    100: "High",
    110: "High 10",
    122: "High 4:2:2",
    244: "High 4:4:4 Predictive",
}
BASELINE = 66
CONSTRAINED = 0x40  # constraint_set1_flag: no tool that the Main profile lacks
WITH_CHROMA = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
MAX_POC_CYCLE = 255  # §7.4.2.1.1
MAX_MACROBLOCKS = 1 << 12  # in one direction: 65536 pixels; level 6.2 ends at 16880


@dataclass(frozen=True, slots=True)
class AvcConfig:
    """The configuration record."""

    profile: int
    compatibility: int  # the constraint_set flags
    level: int  # ten times the level
    length_size: int  # bytes before each NAL unit: 1, 2 or 4
    sps: tuple[bytes, ...]  # NAL units, header included; may be empty
    pps: tuple[bytes, ...]

    @property
    def codec_string(self) -> str:
        """As RFC 6381 §3.3 has it."""
        return f"avc1.{self.profile:02x}{self.compatibility:02x}{self.level:02x}"

    @property
    def profile_name(self) -> str:
        """As people call it."""
        name = PROFILES.get(self.profile, str(self.profile))
        constrained = self.profile == BASELINE and self.compatibility & CONSTRAINED
        return f"Constrained {name}" if constrained else name


@dataclass(frozen=True, slots=True)
class AvcSps:
    """What a sequence parameter set says about the pictures."""

    width: int
    height: int
    bit_depth: int
    frame_rate: float | None  # None where no timing is given


def parse_avc_config(data: bytes) -> AvcConfig:
    """Read an avcC record.

    Raises:
        MediaError: of another version, or cut off.
    """
    if len(data) < 6 or data[0] != 1:
        raise MediaError(f"avcC of {len(data)} bytes, version {data[:1].hex()}")
    sps, index = read_sized_units(data, 6, data[5] & 0x1F)
    pps: tuple[bytes, ...] = ()
    if index < len(data):  # what may follow the PPS repeats the SPS, and is often missing
        pps, _ = read_sized_units(data, index + 1, data[index])
    return AvcConfig(data[1], data[2], data[3], (data[4] & 3) + 1, sps, pps)


def parse_avc_sps(unit: bytes) -> AvcSps:
    """Read a sequence parameter set, a NAL unit with its header.

    Raises:
        MediaError: cut off, or with impossible numbers.
    """
    reader = BitReader(without_emulation(unit[1:]))
    profile = reader.read(8)
    reader.skip(16)
    reader.unsigned_golomb()
    chroma_format, bit_depth = 1, 8
    if profile in WITH_CHROMA:
        chroma_format, bit_depth = _read_chroma(reader)
    _skip_order_and_references(reader)
    width = 16 * (1 + reader.bounded_golomb(MAX_MACROBLOCKS, "H.264 width in macroblocks"))
    height = 16 * (1 + reader.bounded_golomb(MAX_MACROBLOCKS, "H.264 height in macroblocks"))
    fields = 1 if reader.flag() else 2
    height *= fields
    if fields == 2:
        reader.skip(1)
    reader.skip(1)
    if reader.flag():
        left, right, top, bottom = (reader.unsigned_golomb() for _ in range(4))
        width -= (left + right) * (2 if chroma_format in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma_format == 1 else 1) * fields
    if width <= 0 or height <= 0:
        raise MediaError(f"H.264 picture of {width}x{height}")
    frame_rate = _read_frame_rate(reader) if reader.flag() else None
    return AvcSps(width, height, bit_depth, frame_rate)


def _read_chroma(reader: BitReader) -> tuple[int, int]:
    """Return (chroma_format_idc, bit depth)."""
    chroma_format = reader.bounded_golomb(3, "chroma format")
    if chroma_format == 3:
        reader.skip(1)
    bit_depth = 8 + reader.bounded_golomb(6, "bit depth above 8")
    reader.unsigned_golomb()
    reader.skip(1)
    if reader.flag():
        for index in range(8 if chroma_format != 3 else 12):
            if reader.flag():
                _skip_scaling_list(reader, 16 if index < 6 else 64)
    return chroma_format, bit_depth


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + reader.signed_golomb()) % 256
        last = following or last


def _skip_order_and_references(reader: BitReader) -> None:
    reader.unsigned_golomb()
    order_type = reader.unsigned_golomb()
    if order_type == 0:
        reader.unsigned_golomb()
    elif order_type == 1:
        reader.skip(1)
        reader.signed_golomb()
        reader.signed_golomb()
        for _ in range(reader.bounded_golomb(MAX_POC_CYCLE, "frames in a picture order cycle")):
            reader.signed_golomb()
    reader.unsigned_golomb()
    reader.skip(1)


def _read_frame_rate(reader: BitReader) -> float | None:
    skip_display(reader)
    ticks = read_rate(reader)
    return ticks / 2 if ticks else None  # a tick is a field, even where there are none (§E.2.1)
