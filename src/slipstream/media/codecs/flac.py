"""FLAC: the STREAMINFO block (RFC 9639 §8.2), and how long a frame is (§9.1).

Enhanced RTMP wants it behind the signature "fLaC" and a block header, 42 bytes or more.
FFmpeg and gortmplib send the bare 34 bytes, others 38, with the block header only.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.errors import MediaError
from slipstream.media.codecs.bits import BitReader

SIGNATURE = b"fLaC"
INFO_SIZE = 34
BLOCK_HEADERS = (b"\x00\x00\x00\x22", b"\x80\x00\x00\x22")  # STREAMINFO; the second: the last one

FRAME_SYNC = 0x7FFC  # 15 bits


@dataclass(frozen=True, slots=True)
class FlacConfig:
    """The block."""

    max_block_size: int  # samples in a frame
    sample_rate: int
    channels: int
    bit_depth: int
    info: bytes  # the 34 bytes themselves


def parse_flac_config(data: bytes) -> FlacConfig:
    """Read a STREAMINFO block in any of its three forms.

    Raises:
        MediaError: cut off, or without a sample rate.
    """
    info = data.removeprefix(SIGNATURE)
    if info.startswith(BLOCK_HEADERS):
        info = info[4:]
    info = info[:INFO_SIZE]
    reader = BitReader(info)
    reader.skip(16)
    max_block_size = reader.read(16)
    reader.skip(48)
    sample_rate, channels, bit_depth = reader.read(20), reader.read(3) + 1, reader.read(5) + 1
    if len(info) < INFO_SIZE or not sample_rate:
        raise MediaError(f"FLAC STREAMINFO of {len(data)} bytes, rate {sample_rate} Hz")
    return FlacConfig(max_block_size, sample_rate, channels, bit_depth, info)


def read_block_size(frame: bytes | memoryview) -> int:
    """Read from a frame's header how many samples it has (§9.1.1).

    Raises:
        MediaError: it is no frame, or cut off.
    """
    head = bytes(frame[:16])
    if len(head) < 5 or int.from_bytes(head[:2]) >> 1 != FRAME_SYNC:
        raise MediaError(f"no FLAC frame: {head[:4].hex()}")
    code = head[2] >> 4
    if code == 1:
        return 192
    if code < 6:
        if code == 0:
            raise MediaError("FLAC frame with a block size of code 0")
        return 576 << code - 2
    if code > 7:
        return 256 << code - 8
    # It stands behind a number that is as long as its first byte has ones, as in UTF-8.
    start = 4 + max(1, 8 - (head[4] ^ 0xFF).bit_length())
    size = head[start : start + code - 5]
    if len(size) < code - 5:
        raise MediaError(f"FLAC frame of {len(head)} bytes")
    return int.from_bytes(size) + 1
