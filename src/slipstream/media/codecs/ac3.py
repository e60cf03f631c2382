"""AC-3 and E-AC-3: the header of a syncframe (ETSI TS 102 366 §4.4 and §E.1.3).

Neither has a configuration on the wire: each frame says what a decoder needs.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.errors import MediaError
from slipstream.media.codecs.bits import BitReader

SYNC_WORD = 0x0B77
SAMPLE_RATES = (48000, 44100, 32000)
CHANNELS = (2, 1, 2, 3, 3, 4, 4, 5)  # by acmod, without the low frequencies
BIT_RATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
LAST_AC3, LAST_EAC3 = 10, 16  # bit stream identifications


@dataclass(frozen=True, slots=True)
class Ac3Header:
    """What one syncframe says."""

    enhanced: bool
    sample_rate: int
    channels: int  # the one for low frequencies included
    bit_rate: int | None  # bit/s; None for E-AC-3, where it may change


def parse_ac3_header(data: bytes) -> Ac3Header:
    """Read the header of a syncframe of either kind.

    Raises:
        MediaError: it is none, or cut off.
    """
    reader = BitReader(data[:16])
    if reader.read(16) != SYNC_WORD:
        raise MediaError(f"no AC-3 syncframe: {data[:2].hex()}")
    identification = int.from_bytes(data[5:6]) >> 3  # at the same place in both
    if identification <= LAST_AC3:
        return _read_ac3(reader, identification)
    if identification <= LAST_EAC3:
        return _read_eac3(reader)
    raise MediaError(f"AC-3 bit stream identification {identification}")


def _read_ac3(reader: BitReader, identification: int) -> Ac3Header:
    reader.skip(16)
    rate_code, size_code = reader.read(2), reader.read(6)
    if rate_code >= len(SAMPLE_RATES) or size_code // 2 >= len(BIT_RATES):
        raise MediaError(f"AC-3 sample rate code {rate_code}, frame size code {size_code}")
    reader.skip(8)
    mode = reader.read(3)
    reader.skip(2 * (mode & 1 and mode != 1) + 2 * bool(mode & 4) + 2 * (mode == 2))
    channels = CHANNELS[mode] + reader.read(1)
    slower = max(0, identification - 8)  # 9 and 10: half and a quarter of the rates
    bit_rate = 1000 * BIT_RATES[size_code // 2] >> slower
    return Ac3Header(False, SAMPLE_RATES[rate_code] >> slower, channels, bit_rate)


def _read_eac3(reader: BitReader) -> Ac3Header:
    reader.skip(16)
    rate_code, blocks_code = reader.read(2), reader.read(2)
    if rate_code < len(SAMPLE_RATES):
        sample_rate = SAMPLE_RATES[rate_code]
    elif blocks_code < len(SAMPLE_RATES):  # then it says which of the halved rates
        sample_rate = SAMPLE_RATES[blocks_code] // 2
    else:
        raise MediaError(f"E-AC-3 sample rate codes {rate_code} and {blocks_code}")
    mode = reader.read(3)
    return Ac3Header(True, sample_rate, CHANNELS[mode] + reader.read(1), None)
