"""H.265: the configuration record "hvcC" (ISO 14496-15 §8.3.3.1).

In: the data of a sequence start. Out: profile, tier, level, depth and the parameter sets.
The sequence parameter set is read by `hevc_sps`.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.errors import MediaError
from slipstream.media.nal import read_sized_units

HEADER_SIZE = 23
VPS, SPS, PPS = 32, 33, 34
PROFILES = {
    1: "Main",
    2: "Main 10",
    3: "Main Still Picture",
    4: "Range Extensions",
    5: "High Throughput",
    9: "Screen Content Coding",
}


@dataclass(frozen=True, slots=True)
class HevcConfig:
    """The configuration record."""

    profile_space: int
    high_tier: bool
    profile: int
    compatibility: int  # 32 flags
    constraints: bytes  # 6 bytes of flags
    level: int  # thirty times the level
    bit_depth: int
    length_size: int  # bytes before each NAL unit
    vps: tuple[bytes, ...]  # NAL units, headers included
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]

    @property
    def codec_string(self) -> str:
        """As ISO 14496-15 §E.3 has it."""
        space = ("", "A", "B", "C")[self.profile_space]
        flags = int(f"{self.compatibility:032b}"[::-1], 2)
        tier = "H" if self.high_tier else "L"
        constraints = "".join(f".{byte:x}" for byte in self.constraints.rstrip(b"\0"))
        return f"hvc1.{space}{self.profile}.{flags:x}.{tier}{self.level}{constraints}"

    @property
    def profile_name(self) -> str:
        """As people call it."""
        return PROFILES.get(self.profile, str(self.profile))


def parse_hevc_config(data: bytes) -> HevcConfig:
    """Read an hvcC record.

    Raises:
        MediaError: of another version, or cut off.
    """
    # Version 0 was written by drafts of the format, and by FFmpeg until 2015.
    if len(data) < HEADER_SIZE or data[0] > 1:
        raise MediaError(f"hvcC of {len(data)} bytes, version {data[:1].hex()}")
    sets: dict[int, tuple[bytes, ...]] = {}
    index = HEADER_SIZE
    for _ in range(data[22]):
        unit_type = int.from_bytes(data[index : index + 1]) & 0x3F
        count = int.from_bytes(data[index + 1 : index + 3])
        units, index = read_sized_units(data, index + 3, count)
        sets[unit_type] = (*sets.get(unit_type, ()), *units)
    return HevcConfig(
        profile_space=data[1] >> 6,
        high_tier=bool(data[1] & 0x20),
        profile=data[1] & 0x1F,
        compatibility=int.from_bytes(data[2:6]),
        constraints=data[6:12],
        level=data[12],
        bit_depth=8 + (data[17] & 7),
        length_size=(data[21] & 3) + 1,
        vps=sets.get(VPS, ()),
        sps=sets.get(SPS, ()),
        pps=sets.get(PPS, ()),
    )
