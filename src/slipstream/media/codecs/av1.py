"""AV1: the configuration record "av1C" (AV1 in ISOBMFF §2.3.3) and the sequence header OBU.

In: the data of a sequence start, or a temporal unit. Out: profile, level, tier and depth;
from the sequence header (AV1 §5.5) the largest size and the frame rate.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.errors import MediaError
from slipstream.media.codecs.bits import BitReader

RECORD_SIZE = 4
TS_DESCRIPTOR = b"\x80\x04"  # tag and length before the same 4 bytes, in MPEG-2 TS
VERSION = 0x81  # a marker bit, then version 1
SEQUENCE_HEADER = 1
MAX_OBUS_BEFORE_SEQUENCE = 8  # a temporal delimiter and metadata at most: then we stop looking
MAX_SEQUENCE_SIZE = 512  # bytes; 32 operating points fit
PROFILES = ("Main", "High", "Professional")
FIRST_LEVEL_WITH_TIER = 8


@dataclass(frozen=True, slots=True)
class Av1Config:
    """The configuration record."""

    profile: int
    level: int  # seq_level_idx: 0 is level 2.0, 5 is 3.1
    high_tier: bool
    bit_depth: int
    config_obus: bytes

    @property
    def codec_string(self) -> str:
        """As AV1 in ISOBMFF §5 has it, without what says only the usual."""
        tier = "H" if self.high_tier else "M"
        return f"av01.{self.profile}.{self.level:02}{tier}.{self.bit_depth:02}"

    @property
    def profile_name(self) -> str:
        """As people call it."""
        return PROFILES[self.profile] if self.profile < len(PROFILES) else str(self.profile)


@dataclass(frozen=True, slots=True)
class Av1Sequence:
    """What a sequence header says about the pictures."""

    profile: int
    level: int
    high_tier: bool
    width: int
    height: int
    frame_rate: float | None  # None where no timing is given


def parse_av1_config(data: bytes) -> Av1Config:
    """Read an av1C record, or the video descriptor that MPEG-2 TS has for it.

    Raises:
        MediaError: of another version, or cut off.
    """
    data = data.removeprefix(TS_DESCRIPTOR)
    if len(data) < RECORD_SIZE or data[0] != VERSION:
        raise MediaError(f"av1C of {len(data)} bytes, version {data[:1].hex()}")
    high_depth, twelve_bits = data[2] & 0x40, data[2] & 0x20
    return Av1Config(
        profile=data[1] >> 5,
        level=data[1] & 0x1F,
        high_tier=bool(data[2] & 0x80),
        bit_depth=(12 if twelve_bits else 10) if high_depth else 8,
        config_obus=data[RECORD_SIZE:],
    )


def find_av1_sequence(data: bytes) -> Av1Sequence | None:
    """Look for a sequence header among the first OBUs.

    Raises:
        MediaError: the OBUs are cut off, or the header has impossible numbers.
    """
    index = 0
    for _ in range(MAX_OBUS_BEFORE_SEQUENCE):
        if index >= len(data):
            return None
        header = data[index]
        index += 2 if header & 0x04 else 1
        size = len(data) - index
        if header & 0x02:
            size, index = _read_leb128(data, index)
        if size < 0 or index + size > len(data):
            raise MediaError(f"OBU up to byte {index + size} of {len(data)}")
        if header >> 3 & 0x0F == SEQUENCE_HEADER:
            return _read_sequence(BitReader(data[index : index + min(size, MAX_SEQUENCE_SIZE)]))
        index += size
    return None


def _read_leb128(data: bytes, index: int) -> tuple[int, int]:
    """Read a number of 7 bits per byte, lowest first (§4.10.5); return it and where it ends."""
    number = 0
    for count, byte in enumerate(data[index : index + 8]):
        number |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return number, index + count + 1
    raise MediaError("OBU size without an end")


def _read_sequence(reader: BitReader) -> Av1Sequence:
    profile = reader.read(3)
    reader.skip(1)
    high_tier, frame_rate = False, None
    if reader.flag():  # reduced_still_picture_header
        level = reader.read(5)
    else:
        frame_rate, delay_bits = _read_timing(reader)
        level, high_tier = _read_operating_points(reader, delay_bits)
    width_bits, height_bits = reader.read(4) + 1, reader.read(4) + 1
    width, height = reader.read(width_bits) + 1, reader.read(height_bits) + 1
    return Av1Sequence(profile, level, high_tier, width, height, frame_rate)


def _read_timing(reader: BitReader) -> tuple[float | None, int]:
    """Return (frame rate, bits of a decoder's buffer delay, 0 without a decoder model)."""
    if not reader.flag():
        return None, 0
    tick, scale = reader.read(32), reader.read(32)
    ticks_per_picture = reader.unsigned_golomb() + 1 if reader.flag() else 1
    frame_rate = scale / (tick * ticks_per_picture) if tick and scale else None
    delay_bits = 0
    if reader.flag():
        delay_bits = reader.read(5) + 1
        reader.skip(42)
    return frame_rate, delay_bits


def _read_operating_points(reader: BitReader, delay_bits: int) -> tuple[int, bool]:
    """Return level and tier of the first operating point, which is the whole stream."""
    points = []
    display_delay = reader.flag()
    for _ in range(reader.read(5) + 1):
        reader.skip(12)
        level = reader.read(5)
        points.append((level, level >= FIRST_LEVEL_WITH_TIER and reader.flag()))
        if delay_bits and reader.flag():
            reader.skip(2 * delay_bits + 1)
        if display_delay and reader.flag():
            reader.skip(4)
    return points[0]
