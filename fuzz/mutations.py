"""Recorded conversations, taken apart into chunks and changed.

A conversation is a list of parts: the handshake, then chunks, each as one client sent it. A
part that the client waited behind for an answer says so, so that a replay gets as far as the
client did. Everything depends on the given `Random` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from slipstream.rtmp import (
    ConnectRequested,
    Event,
    PlayRequested,
    PublishRequested,
    ServerConnection,
)

FOLDER = Path(__file__).parents[1] / "tests" / "captures"
C0_C1, C2 = 1537, 1536  # bytes
HEADER_SIZES = (11, 7, 3, 0)  # bytes behind the basic header, by type of chunk
NAME = b"film"  # of the stream in all captures
SHORT = 120  # parts of most conversations: the rest is more of the same
STREAMS = 12  # that all conversations are about: some meet, and take over from each other


class Part(NamedTuple):
    """What is sent in one piece if nothing cuts it."""

    data: bytes
    header: int = 0  # bytes of it, of a chunk
    wait: bool = False  # for an answer, behind it


Parts = list[Part]


@cache
def conversations() -> tuple[tuple[str, tuple[Part, ...]], ...]:
    """All captures, by name."""
    return tuple((path.stem, tuple(_load(path))) for path in sorted(FOLDER.glob("*.rtmp")))


def mutated(random: Random) -> tuple[list[str], Parts]:
    """Choose a conversation and change it; what was done, and what is to be sent."""
    name, parts = random.choice(conversations())
    changed = list(parts)
    if random.random() < 0.95:
        del changed[random.randint(10, SHORT) :]
    said = [name]
    for _ in range(random.choice((0, 1, 1, 1, 2, 3, 8))):
        if not changed:
            break
        mutation = random.choice(MUTATIONS)
        changed = mutation(changed, random)
        said.append(mutation.__name__)
    stream = b"f%03d" % random.randrange(STREAMS)
    return said, [part._replace(data=part.data.replace(NAME, stream)) for part in changed]


def flip_bits(parts: Parts, random: Random) -> Parts:
    """Change a few bits of one part."""
    at, part = _choose(parts, random)
    data = bytearray(part.data)
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return _with(parts, at, part._replace(data=bytes(data)))


def cut(parts: Parts, random: Random) -> Parts:
    """End somewhere, in mid-message as a rule."""
    at, part = _choose(parts, random)
    return [*parts[:at], part._replace(data=part.data[: random.randrange(len(part.data))])]


def lose_bytes(parts: Parts, random: Random) -> Parts:
    """Leave out some bytes of one part."""
    at, part = _choose(parts, random)
    start, end = sorted(random.randrange(len(part.data) + 1) for _ in range(2))
    return _with(parts, at, part._replace(data=part.data[:start] + part.data[end:]))


def duplicate(parts: Parts, random: Random) -> Parts:
    """Send a chunk, or several, twice or often."""
    start, end = _span(parts, random)
    return parts[:end] + parts[start:end] * random.choice((1, 1, 2, 20)) + parts[end:]


def drop(parts: Parts, random: Random) -> Parts:
    """Leave out a chunk, or several."""
    start, end = _span(parts, random)
    return parts[:start] + parts[end:]


def swap(parts: Parts, random: Random) -> Parts:
    """Send two chunks in each other's place."""
    one, other = random.randrange(len(parts)), random.randrange(len(parts))
    swapped = list(parts)
    swapped[one], swapped[other] = parts[other], parts[one]
    return swapped


def insert_garbage(parts: Parts, random: Random) -> Parts:
    """Send what is no chunk between two that are, or inside one."""
    size = random.choice((1, 3, 17, 200, 5000))
    garbage = random.choice((random.randbytes(size), bytes(size), b"\xff" * size, b"\xc3" * size))
    at, part = _choose(parts, random)
    inside = random.choice((0, len(part.data), random.randrange(len(part.data))))
    data = part.data[:inside] + garbage + part.data[inside:]
    return _with(parts, at, part._replace(data=data))


def change_length(parts: Parts, random: Random) -> Parts:
    """Announce another length of a message."""
    return _change_field(parts, random, 4, 3)


def change_time(parts: Parts, random: Random) -> Parts:
    """Send a message at another time, perhaps with an extended one that is not there."""
    return _change_field(parts, random, 1, 3)


def change_type(parts: Parts, random: Random) -> Parts:
    """Make one kind of message another."""
    return _change_field(parts, random, 7, 1)


def change_stream(parts: Parts, random: Random) -> Parts:
    """Send a message on another message stream."""
    return _change_field(parts, random, 8, 4)


def splice(parts: Parts, random: Random) -> Parts:
    """Go on in the middle of another conversation."""
    _, other = random.choice(conversations())
    start = random.randrange(min(len(other), SHORT))
    return parts[: random.randrange(len(parts) + 1)] + list(other[start : start + SHORT])


def change_chunk_size(parts: Parts, random: Random) -> Parts:
    """Announce a chunk size that the chunks do not have."""
    size = random.choice((0, 1, 2, 127, 4096, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1))
    message = b"\x02" + bytes(5) + b"\x04\x01" + bytes(4) + size.to_bytes(4)
    at = random.randrange(1, len(parts) + 1)
    return [*parts[:at], Part(message, 12), *parts[at:]]


MUTATIONS: tuple[Callable[[Parts, Random], Parts], ...] = (
    flip_bits,
    cut,
    lose_bytes,
    duplicate,
    drop,
    swap,
    insert_garbage,
    change_length,
    change_time,
    change_type,
    change_stream,
    splice,
    change_chunk_size,
)


def _choose(parts: Parts, random: Random) -> tuple[int, Part]:
    """One that has any bytes; the beginning is met as often as all the rest."""
    most = len(parts) if random.random() < 0.5 else min(12, len(parts))
    at = random.randrange(most)
    return at, parts[at] if parts[at].data else Part(b"\0")


def _span(parts: Parts, random: Random) -> tuple[int, int]:
    at, _ = _choose(parts, random)
    return at, min(at + random.choice((1, 1, 1, 3, 10)), len(parts))


def _with(parts: Parts, at: int, part: Part) -> Parts:
    return [*parts[:at], part, *parts[at + 1 :]]


def _change_field(parts: Parts, random: Random, start: int, size: int) -> Parts:
    """Overwrite a field of a chunk's header, if it has it."""
    having = [at for at, part in enumerate(parts) if part.header >= start + size]
    if not having:
        return parts
    at = random.choice(having)
    data = parts[at].data
    old = int.from_bytes(data[start : start + size])
    new = random.choice((old + 1, old - 1, old * 2, old // 2, random.getrandbits(8 * size), 0, -1))
    field = (new % (1 << 8 * size)).to_bytes(size)
    changed = data[:start] + field + data[start + size :]
    return _with(parts, at, parts[at]._replace(data=changed))


# Taking apart


def _load(path: Path) -> Parts:
    """A capture, with the places where its client waited for an answer."""
    data = path.read_bytes()
    connection = ServerConnection(random_bytes=bytes)
    loaded = []
    for part in [
        Part(data[:C0_C1]),
        Part(data[C0_C1 : C0_C1 + C2]),
        *split_chunks(data[C0_C1 + C2 :]),
    ]:
        events = connection.receive_data(part.data)
        assert connection.error is None, f"{path}: {connection.error}"
        for event in events:
            _accept(connection, event)
        waits = bool(connection.data_to_send())
        loaded.append(part._replace(wait=waits))
    return loaded


def _accept(connection: ServerConnection, event: Event) -> None:
    match event:
        case ConnectRequested():
            connection.accept_connect()
        case PublishRequested(stream_id=stream_id):
            connection.accept_publish(stream_id)
        case PlayRequested(stream_id=stream_id):
            connection.accept_play(stream_id)


class _Stream:
    """What is known of a chunk stream."""

    def __init__(self) -> None:
        self.length = 0
        self.left = 0  # bytes of the message still to come
        self.type_id = 0
        self.extended = False


def split_chunks(data: bytes) -> Parts:
    """Cut good chunks apart (RTMP 1.0 §5.3). Chunk stream ids must be below 64."""
    streams: dict[int, _Stream] = {}
    chunk_size, position = 128, 0
    parts: Parts = []
    while position < len(data):
        kind, csid = data[position] >> 6, data[position] & 0x3F
        assert csid > 1, "a long chunk stream id"
        stream = streams.setdefault(csid, _Stream())
        header = 1 + HEADER_SIZES[kind]
        if kind < 3:
            stream.extended = data[position + 1 : position + 4] == b"\xff\xff\xff"
        if kind < 2:
            stream.length = int.from_bytes(data[position + 4 : position + 7])
            stream.type_id = data[position + 7]
        header += 4 * stream.extended
        stream.left = stream.left or stream.length
        end = position + header + min(stream.left, chunk_size)
        part = Part(data[position:end], header)
        stream.left = max(stream.left - chunk_size, 0)
        if stream.type_id == 1:
            chunk_size = int.from_bytes(part.data[header:])
        parts.append(part)
        position = end
    return parts
