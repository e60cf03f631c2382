"""NAL units: the pieces that an H.264, H.265 or H.266 picture comes in.

RTMP, FLV and MP4 put the length of each unit in front of it. Whether a picture is disposable
is asked for every frame that passes, so only the headers of its first units are looked at,
and the answer is no wherever a yes would cost more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct

from slipstream.errors import MediaError
from slipstream.media.frame import Codec

LENGTH_SIZE = 4  # bytes; all encoders seen use it. The real one stands in the configuration
MAX_UNITS_BEFORE_SLICE = 4  # delimiter, two SEI messages, ...: with more we do not ask

_unpack_length = Struct(">I").unpack_from

H264_SLICE = 0x01  # first byte of a slice of no IDR picture, with nal_ref_idc 0 (H.264 §7.4.1)
H264_BEFORE_SLICE = frozenset((0x06, 0x09))  # SEI, access unit delimiter
H265_SLICES = frozenset(range(0, 32, 4))  # of sub-layer non-reference pictures (H.265 §7.4.2.2)
H265_BEFORE_SLICE = frozenset((35 << 1, 39 << 1))  # access unit delimiter, prefix SEI


def _table(values: Iterable[int]) -> bytes:
    """A table of 256 flags: indexing bytes is twice as fast as asking a set."""
    wanted = frozenset(values)
    return bytes(value in wanted for value in range(256))


NEVER = bytes(256)
# Whether a first byte leaves the question open: it begins a slice of a disposable picture, or
# something that may stand before one.
DOUBTFUL = {
    Codec.H264: _table((H264_SLICE, *H264_BEFORE_SLICE)),
    Codec.H265: _table((*H265_SLICES, *H265_BEFORE_SLICE)),
}
_BEFORE_SLICE = {Codec.H264: H264_BEFORE_SLICE, Codec.H265: H265_BEFORE_SLICE}


def is_disposable(codec: Codec, body: bytes, start: int) -> bool:
    """Whether no other picture refers to the one that begins at `start`.

    Lengths are taken to be 4 bytes long. Where they are not, they do not add up: then, and
    for codecs other than H.264 and H.265, the answer is no.
    """
    doubtful = DOUBTFUL.get(codec, NEVER)
    size = len(body)
    for _ in range(MAX_UNITS_BEFORE_SLICE):
        if start + LENGTH_SIZE >= size or not doubtful[unit := body[start + LENGTH_SIZE]]:
            return False
        (length,) = _unpack_length(body, start)
        start += LENGTH_SIZE + length
        if start > size:
            return False
        if unit not in _BEFORE_SLICE[codec]:
            return True
    return False


def split_units(data: bytes | memoryview, length_size: int = LENGTH_SIZE) -> Iterator[bytes]:
    """Yield the units of one access unit; empty ones, which some cameras send, are skipped.

    Raises:
        MediaError: a length goes past the end.
    """
    index = 0
    while index < len(data):
        start = index + length_size
        index = start + int.from_bytes(data[index:start])
        if index > len(data) or start > len(data):
            raise MediaError(f"NAL unit up to byte {index} of {len(data)}")
        if index > start:
            yield bytes(data[start:index])


def read_sized_units(data: bytes, index: int, count: int) -> tuple[tuple[bytes, ...], int]:
    """Read `count` units with 2 bytes of length before each, as configuration records have them.

    Returns the units and where they end.

    Raises:
        MediaError: they go past the end.
    """
    units = []
    for _ in range(count):
        start = index + 2
        index = start + int.from_bytes(data[index:start])
        if index > len(data) or start > len(data):
            break
        units.append(data[start:index])
    if index > len(data):
        raise MediaError(f"parameter set up to byte {index} of {len(data)}")
    return tuple(units), index


def without_emulation(unit: bytes) -> bytes:
    """Remove the bytes that keep start codes out of a unit (H.264 §7.4.1.1)."""
    return unit.replace(b"\x00\x00\x03", b"\x00\x00")
