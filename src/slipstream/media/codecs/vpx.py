"""VP8 and VP9: the configuration record "vpcC" and the headers of keyframes.

The record (VP codec in ISOBMFF) says profile, level and colour, but not the size: that stands
in each keyframe (RFC 6386 §9.1; VP9 bitstream §6.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.errors import MediaError
from slipstream.media.codecs.bits import BitReader

RECORD_SIZE = 8
FULL_BOX = b"\x01\x00\x00\x00"  # FFmpeg and gortmplib send these 4 bytes in front
VP8_START = b"\x9d\x01\x2a"
VP9_START = 0x498342
VP9_FRAME_MARKER = 2
RGB = 7


@dataclass(frozen=True, slots=True)
class VpConfig:
    """The configuration record."""

    profile: int
    level: int  # ten times the level
    bit_depth: int
    chroma_subsampling: int
    full_range: bool

    def codec_string(self, fourcc: str) -> str:
        """As VP codec in ISOBMFF has it."""
        return f"{fourcc}.{self.profile:02}.{self.level:02}.{self.bit_depth:02}"


@dataclass(frozen=True, slots=True)
class VpKeyframe:
    """What a keyframe says about the pictures."""

    profile: int
    bit_depth: int
    width: int
    height: int


def parse_vp_config(data: bytes) -> VpConfig:
    """Read a vpcC record, with or without the FullBox bytes.

    Raises:
        MediaError: cut off.
    """
    # Unmistakable: a record that begins so would have pictures of 0 bits.
    record = data.removeprefix(FULL_BOX)
    if len(record) < RECORD_SIZE:
        raise MediaError(f"vpcC of {len(data)} bytes, needs {RECORD_SIZE}")
    return VpConfig(
        profile=record[0],
        level=record[1],
        bit_depth=record[2] >> 4,
        chroma_subsampling=record[2] >> 1 & 7,
        full_range=bool(record[2] & 1),
    )


def parse_vp8_keyframe(data: bytes) -> VpKeyframe:
    """Read the header of a VP8 keyframe.

    Raises:
        MediaError: it is none, or cut off.
    """
    if len(data) < 10 or data[0] & 1 or data[3:6] != VP8_START:
        raise MediaError(f"no VP8 keyframe: {data[:6].hex()}")
    width = int.from_bytes(data[6:8], "little") & 0x3FFF
    height = int.from_bytes(data[8:10], "little") & 0x3FFF
    return VpKeyframe(data[0] >> 1 & 7, 8, width, height)


def parse_vp9_keyframe(data: bytes) -> VpKeyframe:
    """Read the header of a VP9 keyframe.

    Raises:
        MediaError: it is none, or cut off.
    """
    reader = BitReader(data[:32])
    marker, low, high = reader.read(2), reader.read(1), reader.read(1)
    profile = high << 1 | low
    if profile == 3:
        reader.skip(1)
    shows_existing, is_inter = reader.flag(), reader.flag()
    reader.skip(2)
    if marker != VP9_FRAME_MARKER or shows_existing or is_inter or reader.read(24) != VP9_START:
        raise MediaError(f"no VP9 keyframe: {data[:4].hex()}")
    bit_depth = 8
    if profile >= 2:
        bit_depth = 12 if reader.flag() else 10
    if reader.read(3) != RGB:
        reader.skip(1 if profile in (0, 2) else 4)
    elif profile in (1, 3):
        reader.skip(1)
    return VpKeyframe(profile, bit_depth, reader.read(16) + 1, reader.read(16) + 1)
