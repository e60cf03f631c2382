"""How the index of a log travels from the process that writes it to one that reads it.

Four kinds of packets over a SEQPACKET socket, in order: a segment (its descriptor comes
along), a greeting (for the sync points that follow), entries of the segment announced last,
and a mark where a publication has ended. The bytes of the stream itself do not travel: both
processes have the same memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct, error

from slipstream.errors import MediaError
from slipstream.formats import Greeting, SegmentGreeting, unpack_start
from slipstream.log import SYNC, Batch
from slipstream.media import Frame, Kind, parse_tag
from slipstream.workers import descriptors

MAX_ENTRIES = 2048  # of one packet: 26 KB
MAX_PACKET = descriptors.MAX_BYTES  # a greeting

_SEGMENT, _GREETING, _ENTRIES, _MARK = b"SGEM"
_segment = Struct("=BxxxxxxxQQ")  # capacity, offset of the first entry that will follow
_entries = Struct("=BBxxI")  # whether there is more, how many
_greeting = Struct("=BI")  # bytes of what it says of a segment; then frames
_frame = Struct("=BI")  # kind, bytes of the body
_SIZE, _TIME = array("I").itemsize, array("q").itemsize


@dataclass(frozen=True, slots=True)
class SegmentAnnounced:
    """Entries that follow lie in another file."""

    capacity: int
    offset: int


@dataclass(frozen=True, slots=True)
class GreetingAnnounced:
    """Sync points that follow have this greeting."""

    greeting: Greeting


@dataclass(frozen=True, slots=True)
class EntriesAnnounced:
    """Entries of the segment; `batch` has neither parts nor greetings."""

    batch: Batch
    more: bool
    """Whether older entries than the newest at that moment are yet to come."""


@dataclass(frozen=True, slots=True)
class MarkAnnounced:
    """What has been announced before belongs to a publication that is over."""


Announcement = SegmentAnnounced | GreetingAnnounced | EntriesAnnounced | MarkAnnounced


def build_segment(capacity: int, offset: int) -> bytes:
    """Announce a segment, whose descriptor goes along."""
    return _segment.pack(_SEGMENT, capacity, offset)


def build_greeting(greeting: Greeting) -> bytes:
    """Announce a greeting."""
    segment = greeting.segment.pack() if isinstance(greeting, SegmentGreeting) else b""
    parts = [_greeting.pack(_GREETING, len(segment)), segment]
    for frame in greeting:
        parts += (_frame.pack(frame.kind, len(frame.body)), frame.body)
    return b"".join(parts)


def build_mark() -> bytes:
    """Announce the end of a publication."""
    return bytes((_MARK,))


def build_entries(
    sizes: Sequence[int], times: array[int], flags: bytes | bytearray, *, more: bool
) -> bytes:
    """Announce entries, column by column as the index has them (2 µs for a few)."""
    head = _entries.pack(_ENTRIES, more, len(sizes))
    return b"".join((head, array("I", sizes), times, flags))


def parse_announcement(data: bytes) -> Announcement:
    """Read a packet.

    Raises:
        ValueError: it is none; the other process is of another version.
    """
    try:
        if data[0] == _ENTRIES:
            return _parse_entries(data)
        if data[0] == _GREETING:
            return GreetingAnnounced(_parse_greeting(data))
        if data[0] == _SEGMENT:
            return SegmentAnnounced(*_segment.unpack(data)[1:])
        if data == build_mark():
            return MarkAnnounced()
    except (IndexError, error, MediaError) as wrong:
        raise ValueError(f"no announcement: {data[:80]!r}") from wrong
    raise ValueError(f"no announcement: {data[:80]!r}")


def _parse_entries(data: bytes) -> EntriesAnnounced:
    _, more, count = _entries.unpack_from(data)
    sizes, times = array("I"), array("q")
    start = _entries.size
    sizes.frombytes(data[start : start + count * _SIZE])
    start += count * _SIZE
    times.frombytes(data[start : start + count * _TIME])
    flags = bytearray(data[start + count * _TIME :])
    if not len(sizes) == len(times) == len(flags) == count > 0:
        raise ValueError(f"{count} entries in {len(data)} bytes")
    batch = Batch(sizes=sizes.tolist(), times=times.tolist(), flags=flags)
    return EntriesAnnounced(batch, bool(more))


def _parse_greeting(data: bytes) -> Greeting:
    _, size = _greeting.unpack_from(data)
    start = _greeting.size
    frames = tuple(_parse_frames(data, start + size))
    if not size:
        return frames
    return SegmentGreeting.of(frames, unpack_start(data[start : start + size]))


def _parse_frames(data: bytes, position: int) -> list[Frame]:
    frames = []
    while position < len(data):
        kind, size = _frame.unpack_from(data, position)
        position += _frame.size
        frames.append(parse_tag(Kind(kind), 0, data[position : position + size]))
        position += size
    return frames


def has_sync(flags: bytes | bytearray) -> bool:
    """Whether somebody may start at one of these entries."""
    return any(map(SYNC.__and__, flags))
