"""Opus: the header "OpusHead" (RFC 7845 §5.1). Its numbers are little-endian."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from slipstream.errors import MediaError

MAGIC = b"OpusHead"
SAMPLE_RATE = 48000  # Hz; a decoder gives out nothing else that matters here
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
