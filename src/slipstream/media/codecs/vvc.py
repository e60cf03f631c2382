"""H.266: the configuration record "vvcC" (ISO 14496-15:2024 §11.2.4.2).

In: the data of a sequence start, with or without the 4 bytes of a FullBox in front. Out: what
stands at its beginning: profile, tier, level, size. The parameter sets are not read.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.errors import MediaError
from slipstream.media.codecs.bits import BitReader

FULL_BOX = bytes(4)
MARK = 0x1F  # five bits, all set, that every record begins with
PROFILES = {
    1: "Main 10",
    2: "Main 12",
    17: "Multilayer Main 10",
    33: "Main 10 4:4:4",
    65: "Main 10 Still Picture",
}


@dataclass(frozen=True, slots=True)
class VvcConfig:
    """The beginning of the configuration record; None for what is left out of a short one."""

    length_size: int
    profile: int | None = None
    high_tier: bool = False
    level: int | None = None  # 16 for each whole level, 3 for each tenth
    bit_depth: int | None = None
    width: int | None = None
    height: int | None = None

    @property
    def codec_string(self) -> str | None:
        """As ISO 14496-15 §E.5 has it, without the constraints."""
        if self.profile is None:
            return None
        return f"vvc1.{self.profile}.{'H' if self.high_tier else 'L'}{self.level}"

    @property
    def profile_name(self) -> str | None:
        """As people call it."""
        return None if self.profile is None else PROFILES.get(self.profile, str(self.profile))


def parse_vvc_config(data: bytes) -> VvcConfig:
    """Read the beginning of a vvcC record.

    Raises:
        MediaError: it is no such record, or cut off.
    """
    reader = BitReader(data.removeprefix(FULL_BOX))
    if reader.read(5) != MARK:
        raise MediaError(f"vvcC that begins with {data[:5].hex()}")
    length_size = reader.read(2) + 1
    if not reader.flag():
        return VvcConfig(length_size)
    reader.skip(9)
    sub_layers = reader.read(3)
    reader.skip(4)
    bit_depth = 8 + reader.read(3)
    reader.skip(7)
    constraint_bytes = reader.read(6)
    profile, high_tier, level = reader.read(7), reader.flag(), reader.read(8)
    reader.skip(8 * max(1, constraint_bytes))
    _skip_sub_layers(reader, sub_layers)
    width, height = reader.read(16), reader.read(16)
    return VvcConfig(length_size, profile, high_tier, level, bit_depth, width, height)


def _skip_sub_layers(reader: BitReader, sub_layers: int) -> None:
    """Pass the levels of sub-layers and the numbers of sub-profiles."""
    if sub_layers > 1:
        reader.skip(8 * reader.read(8).bit_count())
    reader.skip(32 * reader.read(8))
