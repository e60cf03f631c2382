"""Messages as packets.

Each message is one packet: a length, the kind and its fields as JSON, then raw bytes if the
message has a body. A descriptor may travel with it. What would not fit a packet goes into a
memory file whose descriptor is sent instead.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from struct import Struct, error

import orjson

from slipstream.workers.messages import KINDS, Message

MAX_PACKET = 48 << 10  # bytes; a socket takes about 200 KB of them before it is full
_LENGTH = Struct(">I")
_IN_A_FILE = _LENGTH.pack(0)


@dataclass(frozen=True, slots=True)
class Packet:
    """A message and what travels with it."""

    message: Message
    body: bytes = b""
    fd: int = -1
    """A descriptor; whoever has received it owns it. -1: none."""


def encode(packet: Packet) -> tuple[bytes, list[int]]:
    """Return the bytes of one packet and the descriptors to send with them.

    The last descriptor is ours to close when it is not `packet.fd`.
    """
    message = packet.message
    fields = [getattr(message, name) for name in message.__dataclass_fields__]
    head = orjson.dumps([type(message).__name__, *fields])
    data = b"".join((_LENGTH.pack(len(head)), head, packet.body))
    fds = [] if packet.fd < 0 else [packet.fd]
    if len(data) <= MAX_PACKET:
        return data, fds
    file = os.memfd_create("slipstream-message", os.MFD_CLOEXEC)
    with open(file, "wb", closefd=False) as stream:
        stream.write(data)
    return _IN_A_FILE, [*fds, file]


def decode(data: bytes, fds: list[int]) -> Packet:
    """Read what `encode` made.

    Raises:
        ValueError: it is nothing of the kind: another version's.
    """
    if data == _IN_A_FILE and fds:
        file = fds.pop()
        try:
            data = os.pread(file, os.fstat(file).st_size, 0)
        finally:
            os.close(file)
    try:
        (length,) = _LENGTH.unpack_from(data)
        kind, *fields = orjson.loads(data[_LENGTH.size : _LENGTH.size + length])
        message = KINDS[kind](*fields)
    except (KeyError, TypeError, ValueError, error) as wrong:
        raise ValueError(f"a message that this version does not know: {data[:80]!r}") from wrong
    body = data[_LENGTH.size + length :]
    return Packet(message, body, fds[0] if fds else -1)
