"""Opus: the header "OpusHead" (RFC 7845 §5.1), and how long a packet is (RFC 6716 §3).

The header's numbers are little-endian.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from slipstream.errors import MediaError

MAGIC = b"OpusHead"
SAMPLE_RATE = 48000  # Hz; a decoder gives out nothing else that matters here
STEREO_PACKET = 0x04  # in the first byte of a packet (RFC 6716 §3.1)
MAX_PACKET = 5760  # samples: 120 ms
_unpack = Struct("<BBHIhB").unpack_from
_FIXED_SIZE = len(MAGIC) + 11


@dataclass(frozen=True, slots=True)
class OpusConfig:
    """The header."""

    channels: int
    pre_skip: int  # samples at 48 kHz to throw away at the start
    input_rate: int  # Hz, of the sound before it was coded: for information
    gain: int  # 1/256 dB
    mapping_family: int
    streams: int
    coupled_streams: int
    mapping: bytes  # for each channel, which of the decoded ones it is


def parse_opus_config(data: bytes) -> OpusConfig:
    """Read an OpusHead.

    Raises:
        MediaError: it is none, of a version to come, or cut off.
    """
    if not data.startswith(MAGIC) or len(data) < _FIXED_SIZE:
        raise MediaError(f"OpusHead of {len(data)} bytes: {data[:8].hex()}")
    version, channels, pre_skip, input_rate, gain, family = _unpack(data, len(MAGIC))
    if version > 15 or not channels:
        raise MediaError(f"OpusHead of version {version} with {channels} channels")
    streams, coupled, mapping = 1, channels - 1, bytes(range(min(channels, 2)))
    if family:
        table = data[_FIXED_SIZE : _FIXED_SIZE + 2 + channels]
        if len(table) < 2 + channels:
            raise MediaError(f"OpusHead of {len(data)} bytes with {channels} channels")
        streams, coupled, mapping = table[0], table[1], table[2:]
    elif channels > 2:
        raise MediaError(f"OpusHead with {channels} channels and no mapping")
    return OpusConfig(channels, pre_skip, input_rate, gain, family, streams, coupled, mapping)


def _frame_samples(first: int) -> int:
    """Samples in each frame of a packet, by its first byte (RFC 6716 §3.1)."""
    configuration, step = first >> 3, first >> 3 & 3
    if configuration < 12:  # speech
        return (480, 960, 1920, 2880)[step]
    if configuration < 16:  # both
        return (480, 960)[step & 1]
    return 120 << step


_FRAME_SAMPLES = tuple(_frame_samples(first) for first in range(256))


def count_samples(packet: bytes | memoryview) -> int:
    """How many samples a decoder makes of a packet, at 48 kHz.

    Raises:
        MediaError: it is empty, or longer than 120 ms.
    """
    if not packet:
        raise MediaError("empty Opus packet")
    first, code = packet[0], packet[0] & 3
    frames = min(code, 1) + 1  # code 0: one; 1 and 2: two
    if code == 3:  # then the next byte says it
        frames = packet[1] & 0x3F if len(packet) > 1 else 0
    samples = frames * _FRAME_SAMPLES[first]
    if not 0 < samples <= MAX_PACKET:
        raise MediaError(f"Opus packet of {samples} samples")
    return samples
