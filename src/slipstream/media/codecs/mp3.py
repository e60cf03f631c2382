"""MP3: the header of a frame (ISO 11172-3 §2.4.1.3), which is all the configuration there is."""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.errors import MediaError
from slipstream.media.codecs.bits import BitReader

SYNC = 0x7FF  # 11 bits; the twelfth tells MPEG-2.5 from the others
MPEG1 = 3  # version codes
HALVINGS = {MPEG1: 0, 2: 1, 0: 2}  # of the sample rates, by version code
SAMPLE_RATES = (44100, 48000, 32000)
LAYER_3 = 1
MONO = 3


@dataclass(frozen=True, slots=True)
class Mp3Header:
    """What one frame says."""

    mpeg1: bool  # else MPEG-2 or 2.5, with lower rates and shorter frames
    sample_rate: int
    channels: int

    @property
    def codec_string(self) -> str:
        """By the object types that MP4 has for it (RFC 6381 §3.3)."""
        return "mp4a.6B" if self.mpeg1 else "mp4a.69"


def parse_mp3_header(data: bytes) -> Mp3Header:
    """Read the header of a frame.

    Raises:
        MediaError: it is none, or cut off.
    """
    reader = BitReader(data[:4])
    sync, version, layer = reader.read(11), reader.read(2), reader.read(2)
    reader.skip(1)
    bit_rate_code, rate_code = reader.read(4), reader.read(2)
    reader.skip(2)
    if (
        sync != SYNC
        or layer != LAYER_3
        or version not in HALVINGS
        or bit_rate_code == 15
        or rate_code >= len(SAMPLE_RATES)
    ):
        raise MediaError(f"no MP3 frame: {data[:4].hex()}")
    channels = 1 if reader.read(2) == MONO else 2
    return Mp3Header(version == MPEG1, SAMPLE_RATES[rate_code] >> HALVINGS[version], channels)
