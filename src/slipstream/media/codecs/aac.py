"""AAC: the AudioSpecificConfig (ISO 14496-3 §1.6.2.1).

In: the data of a sequence start. Out: object type, rates and channels, and whether SBR and PS
(HE-AAC) are announced, in either of the two ways there are: as the object type itself, or
behind everything else where decoders that know neither do not look.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.errors import MediaError
from slipstream.media.codecs.bits import BitReader

RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
EXPLICIT_RATE = 15
CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8}
MAIN, LC, SBR, PS, LD, ELD, USAC = 1, 2, 5, 29, 23, 39, 42
GENERAL = frozenset((1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23))  # with a GASpecificConfig
WITH_LAYER = frozenset((6, 20))
FRAME_LENGTHS = {LD: (512, 480), ELD: (512, 480)}  # samples: without and with the short flag
USUAL_FRAME_LENGTHS = (1024, 960)
SBR_MARK, PS_MARK = 0x2B7, 0x548  # 11 bits each, before what old decoders do not look at
NAMES = {MAIN: "Main", LC: "LC", LD: "LD", ELD: "ELD", USAC: "xHE-AAC"}


@dataclass(frozen=True, slots=True)
class AacConfig:
    """The configuration."""

    object_type: int  # of the core; SBR and PS are said below
    core_rate: int  # Hz, of the coded signal
    channels: int  # of the coded signal; 0 if not said
    sbr: bool | None  # None: not said; a decoder will see
    ps: bool | None
    extension_rate: int | None  # Hz, with SBR
    frame_length: int  # samples of the coded signal in each frame

    @property
    def sample_rate(self) -> int:
        """What a decoder gives out, in Hz."""
        return self.extension_rate or self.core_rate

    @property
    def output_channels(self) -> int:
        """What a decoder gives out: PS makes two of one."""
        return 2 if self.ps and self.channels == 1 else self.channels

    @property
    def codec_string(self) -> str:
        """As RFC 6381 §3.3 has it."""
        object_type = PS if self.ps else SBR if self.sbr else self.object_type
        return f"mp4a.40.{object_type}"

    @property
    def profile_name(self) -> str:
        """As people call it."""
        if self.ps:
            return "HE-AACv2"
        return "HE-AAC" if self.sbr else NAMES.get(self.object_type, str(self.object_type))


def parse_aac_config(data: bytes) -> AacConfig:
    """Read an AudioSpecificConfig.

    Raises:
        MediaError: cut off, or with a rate that does not exist.
    """
    reader = BitReader(data)
    object_type, core_rate = _read_object_type(reader), _read_rate(reader)
    channel_configuration = reader.read(4)
    sbr: bool | None = None
    ps: bool | None = None
    extension_rate: int | None = None
    if object_type in (SBR, PS):
        sbr, ps = True, object_type == PS or None
        extension_rate = _read_rate(reader)
        object_type = _read_object_type(reader)
    channels = CHANNELS.get(channel_configuration, 0)
    long, short = FRAME_LENGTHS.get(object_type, USUAL_FRAME_LENGTHS)
    frame_length = long
    if object_type in GENERAL:
        frame_length = short if reader.flag() else long
        listed_channels = _skip_general(reader, object_type, channel_configuration)
        channels = channels or listed_channels
        if sbr is None and reader.left >= 16 and reader.read(11) == SBR_MARK:
            sbr, ps, extension_rate = _read_backward_compatible(reader)
    elif object_type == ELD:
        frame_length = short if reader.flag() else long
    return AacConfig(object_type, core_rate, channels, sbr, ps, extension_rate, frame_length)


def read_channel_configuration(data: bytes) -> int:
    """Read how the channels are said: 0 where they are listed, else a number that stands for them.

    Raises:
        MediaError: see `parse_aac_config`.
    """
    reader = BitReader(data)
    _read_object_type(reader)
    _read_rate(reader)
    return reader.read(4)


def _read_object_type(reader: BitReader) -> int:
    object_type = reader.read(5)
    return 32 + reader.read(6) if object_type == 31 else object_type


def _read_rate(reader: BitReader) -> int:
    index = reader.read(4)
    rate = reader.read(24) if index == EXPLICIT_RATE else 0
    if index < len(RATES):
        rate = RATES[index]
    if not rate:
        raise MediaError(f"AAC sampling frequency index {index}")
    return rate


def _skip_general(reader: BitReader, object_type: int, channel_configuration: int) -> int:
    """Pass the GASpecificConfig behind its first bit; return the channels it lists, or 0."""
    if reader.flag():
        reader.skip(14)
    extension = reader.flag()
    channels = 0 if channel_configuration else _read_program(reader)
    if object_type in WITH_LAYER:
        reader.skip(3)
    if extension:
        reader.skip({22: 16, 17: 3, 19: 3, 20: 3, 23: 3}.get(object_type, 0))
        reader.skip(1)
    return channels


def _read_program(reader: BitReader) -> int:
    """Read a program_config_element (§4.4.1.1); return how many channels it has."""
    reader.skip(10)
    counts = [reader.read(4) for _ in range(3)]  # front, side, back
    low, associated, coupling = reader.read(2), reader.read(3), reader.read(4)
    for size in (4, 4, 3):  # what to do for mono, stereo, and matrixed surround
        if reader.flag():
            reader.skip(size)
    channels = low
    for count in counts:
        for _ in range(count):
            channels += 2 if reader.flag() else 1
            reader.skip(4)
    reader.skip(4 * low + 4 * associated + 5 * coupling)
    reader.skip(reader.left % 8)
    reader.skip(8 * reader.read(8))
    return channels


def _read_backward_compatible(reader: BitReader) -> tuple[bool | None, bool | None, int | None]:
    """Return (SBR, PS, rate with SBR), as far as they are said (§1.6.6.1)."""
    if _read_object_type(reader) != SBR:
        return None, None, None
    if not reader.flag():
        return False, None, None
    rate = _read_rate(reader)
    ps = None
    if reader.left >= 12 and reader.read(11) == PS_MARK:
        ps = reader.flag()
    return True, ps, rate
