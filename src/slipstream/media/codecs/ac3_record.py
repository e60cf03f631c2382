"""AC-3 and E-AC-3: the records "dac3" and "dec3" (ETSI TS 102 366 §F.4, §F.6), and lengths.

In: frames, which are syncframes one after the other. Out: what a record says, made of the first
of them, and how many samples a frame has.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from slipstream.errors import MediaError
from slipstream.media.codecs.ac3 import SAMPLE_RATES, SYNC_WORD, parse_ac3_header
from slipstream.media.codecs.bits import BitReader

BLOCK = 256  # samples
AC3_SAMPLES = 6 * BLOCK
BLOCKS = (1, 2, 3, 6)  # by numblkscod
DEPENDENT = 1  # strmtyp
USUAL_IDENTIFICATION = 8  # of AC-3; others have halved rates, or what few decoders know
MAX_SYNCFRAMES = 64  # in a frame: six of one block each, of ten substreams
HEADER_SIZE = 6  # bytes, of what is read of each syncframe


@dataclass(frozen=True, slots=True)
class Substream:
    """What the beginning of an E-AC-3 syncframe says (§E.1.2.2)."""

    stream_type: int
    number: int
    size: int  # bytes, of the whole syncframe
    rate_code: int
    blocks: int
    mode: int  # acmod
    low_frequencies: int
    identification: int


def build_dac3(frame: bytes) -> bytes:
    """The record of an AC-3 frame.

    Raises:
        MediaError: see `parse_ac3_header`; or of an unusual kind.
    """
    if parse_ac3_header(frame).enhanced:
        raise MediaError("E-AC-3 that is called AC-3")
    reader = BitReader(frame[4:8])
    rate_code, size_code = reader.read(2), reader.read(6)
    identification, service, mode = reader.read(5), reader.read(3), reader.read(3)
    if identification > USUAL_IDENTIFICATION:
        raise MediaError(f"AC-3 bit stream identification {identification}")
    reader.skip(2 * (mode & 1 and mode != 1) + 2 * bool(mode & 4) + 2 * (mode == 2))
    record = rate_code
    for value, bits in (
        (identification, 5),
        (service, 3),
        (mode, 3),
        (reader.read(1), 1),
        (size_code >> 1, 5),
        (0, 5),
    ):
        record = record << bits | value
    return record.to_bytes(3)


def build_dec3(frame: bytes) -> bytes:
    """The record of an E-AC-3 frame with one programme of up to 5.1 channels.

    Raises:
        MediaError: see `parse_ac3_header`; or it has more.
    """
    if not parse_ac3_header(frame).enhanced:
        raise MediaError("AC-3 that is called E-AC-3")
    substreams = _split(frame)
    first = substreams[0]
    if any(one.number or one.stream_type == DEPENDENT for one in substreams):
        raise MediaError("E-AC-3 with several substreams")
    rate = SAMPLE_RATES[first.rate_code] if first.rate_code < len(SAMPLE_RATES) else 0
    if not rate:
        raise MediaError("E-AC-3 with a halved rate")
    kbit_per_s = ceil(first.size * 8 * rate / (first.blocks * BLOCK * 1000))
    record = kbit_per_s << 3  # and the number of programmes, less one
    for value, bits in (
        (first.rate_code, 2),
        (first.identification, 5),
        (0, 5),  # reserved, no associated service, a complete main service
        (first.mode, 3),
        (first.low_frequencies, 1),
        (0, 8),  # reserved, no dependent substreams, reserved
    ):
        record = record << bits | value
    return record.to_bytes(5)


def count_eac3_samples(frame: bytes | memoryview) -> int:
    """How many samples a frame has: those of its first substream's syncframes.

    Raises:
        MediaError: it is no such frame, or cut off.
    """
    blocks = [
        one.blocks for one in _split(frame) if not one.number and one.stream_type != DEPENDENT
    ]
    if not blocks:
        raise MediaError("E-AC-3 frame without an independent substream")
    return BLOCK * sum(blocks)


def _split(frame: bytes | memoryview) -> list[Substream]:
    """The syncframes of a frame; bytes behind them that are none are not looked at.

    Raises:
        MediaError: there is none, or more than there may be.
    """
    found: list[Substream] = []
    index = 0
    while index < len(frame):
        head = bytes(frame[index : index + HEADER_SIZE])
        if found and not head.startswith(SYNC_WORD.to_bytes(2)):
            break
        found.append(_read(head))
        index += found[-1].size
        if len(found) > MAX_SYNCFRAMES:
            raise MediaError(f"E-AC-3 frame of more than {MAX_SYNCFRAMES} syncframes")
    if not found:
        raise MediaError("empty E-AC-3 frame")
    return found


def _read(head: bytes) -> Substream:
    reader = BitReader(head)
    if reader.read(16) != SYNC_WORD:
        raise MediaError(f"no E-AC-3 syncframe: {head[:2].hex()}")
    stream_type, number, size = reader.read(2), reader.read(3), 2 * (reader.read(11) + 1)
    rate_code, blocks_code, mode = reader.read(2), reader.read(2), reader.read(3)
    blocks = BLOCKS[3 if rate_code == len(SAMPLE_RATES) else blocks_code]
    low_frequencies, identification = reader.read(1), reader.read(5)
    return Substream(
        stream_type, number, size, rate_code, blocks, mode, low_frequencies, identification
    )
