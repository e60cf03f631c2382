"""What the two sides of a connection can do beyond RTMP 1.0, as `connect` announces it.

Read out of the properties of `connect` or of its result, and built for them. Codecs are
FourCCs, and "*" stands for all of them. Publishers often announce nothing and send enhanced
media all the same (FFmpeg and OBS do), so this never decides what is accepted: only what a
player is offered, and whom a reconnect request is sent to.

Source: Enhanced RTMP v1 (fourCcList) and v2 (the rest).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag

from slipstream.amf import Value
from slipstream.rtmp.commands import read_number


class Ability(IntFlag):
    """What can be done with a codec."""

    DECODE = 1
    ENCODE = 2
    FORWARD = 4


class CapsEx(IntFlag):
    """What is understood of Enhanced RTMP v2."""

    RECONNECT = 1
    MULTITRACK = 2
    MOD_EX = 4
    NANO_OFFSET = 8


NO_CAPS_EX = CapsEx(0)


@dataclass(frozen=True, slots=True)
class EnhancedCapabilities:
    """One side's announcement; all empty where it announced nothing.

    Args:
        four_cc_list: the codecs it can take, in the older form that says no more.
        video: what it can do with each video codec.
        audio: what it can do with each audio codec.
        caps_ex: what it understands besides codecs.
    """

    four_cc_list: tuple[str, ...] = ()
    video: Mapping[str, Ability] = field(default_factory=dict)
    audio: Mapping[str, Ability] = field(default_factory=dict)
    caps_ex: CapsEx = NO_CAPS_EX

    @property
    def announced(self) -> bool:
        """Anything at all."""
        return bool(self.four_cc_list or self.video or self.audio or self.caps_ex)

    @property
    def multitrack(self) -> bool:
        """Several tracks of a kind in one stream."""
        return CapsEx.MULTITRACK in self.caps_ex

    @property
    def reconnect(self) -> bool:
        """A request to connect elsewhere is obeyed."""
        return CapsEx.RECONNECT in self.caps_ex


NOTHING_ENHANCED = EnhancedCapabilities()

# A server passes bodies on as they came, whatever the codec.
FORWARDS_EVERYTHING = EnhancedCapabilities(
    four_cc_list=("*",),
    video={"*": Ability.FORWARD},
    audio={"*": Ability.FORWARD},
    caps_ex=CapsEx.RECONNECT | CapsEx.MULTITRACK | CapsEx.MOD_EX | CapsEx.NANO_OFFSET,
)


def parse_capabilities(properties: Mapping[str, Value]) -> EnhancedCapabilities:
    """Read what is announced among other properties. What is of a wrong type is not announced."""
    listed = properties.get("fourCcList")
    capabilities = EnhancedCapabilities(
        tuple(code for code in listed if isinstance(code, str)) if isinstance(listed, list) else (),
        _parse_abilities(properties.get("videoFourCcInfoMap")),
        _parse_abilities(properties.get("audioFourCcInfoMap")),
        CapsEx(_parse_bits(properties.get("capsEx"))),
    )
    return capabilities if capabilities.announced else NOTHING_ENHANCED


def build_capabilities(capabilities: EnhancedCapabilities) -> dict[str, Value]:
    """Return the properties to announce; none for what is empty."""
    properties: dict[str, Value] = {}
    if capabilities.four_cc_list:
        properties["fourCcList"] = list(capabilities.four_cc_list)
    if capabilities.video:
        properties["videoFourCcInfoMap"] = _build_abilities(capabilities.video)
    if capabilities.audio:
        properties["audioFourCcInfoMap"] = _build_abilities(capabilities.audio)
    if capabilities.caps_ex:
        properties["capsEx"] = int(capabilities.caps_ex)
    return properties


def _parse_abilities(value: Value) -> dict[str, Ability]:
    if not isinstance(value, dict):
        return {}
    return {code: Ability(_parse_bits(bits)) for code, bits in value.items()}


def _build_abilities(abilities: Mapping[str, Ability]) -> dict[str, Value]:
    return {code: int(bits) for code, bits in abilities.items()}


def _parse_bits(value: Value) -> int:
    """Only the bits that have a name, so that any number will do."""
    return int(read_number(value, 0)) & 0xF
