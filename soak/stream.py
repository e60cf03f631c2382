"""What publishers send: messages that know their place, so that viewers can check every one.

Message `n` is due at `n` times 20 ms of its encoder's clock: pictures and sounds take turns, and
every 50th is a keyframe. It carries its number, its *session*, the moment of its sending and a
checksum. A session is named by the number of its first message: an encoder that reconnects goes
on in the middle of a picture group, and viewers can tell where they may rightly begin again.

Headers, configurations and NAL framing are real; the coded pictures are filler.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from bench.load.chunks import AUDIO, VIDEO, Message

STEP_MS = 20
PER_GROUP = 50  # messages in a picture group
GROUP_MS = PER_GROUP * STEP_MS
KEYFRAME_SIZE, PICTURE_SIZE, SOUND_SIZE = 8000, 1200, 200  # bytes, the smallest of each
SPREAD = 397  # bytes by which messages of a kind differ, so that no two neighbours are alike

STAMP_SIZE = 40  # hexadecimal digits, so that no start code can appear in them
UUID = b"slipstream  soak"
SEI_HEADER = bytes((6, 5, len(UUID) + STAMP_SIZE)) + UUID  # user data, unregistered
SEI_SIZE = len(SEI_HEADER) + STAMP_SIZE + 1
VIDEO_HEAD = b"\x01\x00\x00\x00" + SEI_SIZE.to_bytes(4, "big") + SEI_HEADER
KEYFRAME, INTER_FRAME, AAC = 0x17, 0x27, 0xAF  # first byte of a tag body
STAMP_AT = {VIDEO: 1 + len(VIDEO_HEAD), AUDIO: 2}
FILLER = bytes(range(1, 256)) * 64


class Stamp(NamedTuple):
    """What a publisher wrote into a message."""

    session: int  # number of its first message
    number: int
    sent_ns: int  # CLOCK_MONOTONIC


class DamagedError(Exception):
    """A message is not what was sent."""


def kind_of(number: int) -> int:
    """The message type: pictures have even numbers."""
    return AUDIO if number % 2 else VIDEO


def is_keyframe(number: int) -> bool:
    """Whether viewers may start at this message."""
    return number % PER_GROUP == 0


def next_keyframe(number: int) -> int:
    """The first keyframe that is not before this message."""
    return -(-number // PER_GROUP) * PER_GROUP


def build_body(session: int, number: int, sent_ns: int) -> bytes:
    """The body of a message."""
    start, length = number % 251, number * 7919 % SPREAD
    if number % 2:
        head, middle, length = bytes((AAC, 1)), b"", length + SOUND_SIZE
    else:
        keyframe = is_keyframe(number)
        head = bytes((KEYFRAME if keyframe else INTER_FRAME,)) + VIDEO_HEAD
        length += KEYFRAME_SIZE if keyframe else PICTURE_SIZE
        middle = b"\x80" + (length + 1).to_bytes(4, "big") + (b"\x65" if keyframe else b"\x41")
    rest = middle + FILLER[start : start + length]
    fields = b"%08x%08x%016x" % (session, number, sent_ns)
    return b"%b%b%08x%b" % (head, fields, zlib.crc32(rest, zlib.crc32(fields)), rest)


def read_stamp(message: Message) -> Stamp | None:
    """The stamp in a message; None in configurations and metadata.

    Raises:
        DamagedError: it is not as it was sent.
    """
    body = message.payload
    start = STAMP_AT.get(message.type_id)
    if start is None or body[1:2] != b"\x01":
        return None
    try:
        end = start + STAMP_SIZE
        session, number = int(body[start : start + 8], 16), int(body[start + 8 : start + 16], 16)
        sent_ns, checksum = int(body[start + 16 : end - 8], 16), int(body[end - 8 : end], 16)
    except ValueError:
        raise DamagedError(f"no stamp in {len(body)} bytes: {body[:64]!r}") from None
    if zlib.crc32(body[end:], zlib.crc32(body[start : end - 8])) != checksum:
        raise DamagedError(f"message {number} of session {session}: {len(body)} other bytes")
    if message.type_id != kind_of(number):
        raise DamagedError(f"message {number} came as type {message.type_id}")
    return Stamp(session, number, sent_ns)
