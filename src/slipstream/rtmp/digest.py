"""The digests that Adobe hides in the handshake: found, put in, and answered.

RTMP 1.0 does not mention them, but Flash Player 9 and later, FFmpeg and vMix send them, and
some of these play only from a server that answers in kind. A block of 1536 bytes carries 32
bytes of HMAC-SHA256 over the rest of itself, at an offset that four other bytes add up to;
there are two places where those four can be. The keys are public: this proves nothing.

Source: the handshakes of FFmpeg, librtmp and nginx-rtmp, which agree.
"""

from __future__ import annotations

import hmac
from enum import Enum
from typing import NamedTuple

DIGEST_SIZE = 32  # bytes
_PLACES = 728  # where in its area a digest may begin

_COMMON_KEY = bytes.fromhex("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae")
_PLAYER = b"Genuine Adobe Flash Player 001"
_SERVER = b"Genuine Adobe Flash Media Server 001"


class Role(Enum):
    """Who makes a block: the short key is for its digest, the long one for its answer."""

    CLIENT = (_PLAYER, _PLAYER + _COMMON_KEY)
    SERVER = (_SERVER, _SERVER + _COMMON_KEY)

    def __init__(self, digest_key: bytes, answer_key: bytes) -> None:
        self.digest_key = digest_key
        self.answer_key = answer_key


class Schema(Enum):
    """Where the four bytes are that give the offset; the digest lies in the area behind them."""

    FIRST = 8
    SECOND = 772

    def offset(self, block: bytes) -> int:
        """Where the digest lies in a block."""
        at = self.value
        return sum(block[at : at + 4]) % _PLACES + at + 4


class Digest(NamedTuple):
    """A digest that was found."""

    schema: Schema
    value: bytes


def find_digest(block: bytes, role: Role) -> Digest | None:
    """Look for the digest of one role in both places."""
    for schema in Schema:
        offset = schema.offset(block)
        found = block[offset : offset + DIGEST_SIZE]
        if hmac.compare_digest(found, _digest_around(block, offset, role)):
            return Digest(schema, found)
    return None


def put_digest(block: bytes, schema: Schema, role: Role) -> bytes:
    """Return the block with its digest in it."""
    offset = schema.offset(block)
    digest = _digest_around(block, offset, role)
    return block[:offset] + digest + block[offset + DIGEST_SIZE :]


def sign_answer(filler: bytes, peer_digest: bytes, role: Role) -> bytes:
    """Return the block that answers a digest: 1504 bytes of filler, and their signature."""
    key = hmac.digest(role.answer_key, peer_digest, "sha256")
    return filler + hmac.digest(key, filler, "sha256")


def _digest_around(block: bytes, offset: int, role: Role) -> bytes:
    rest = block[:offset] + block[offset + DIGEST_SIZE :]
    return hmac.digest(role.digest_key, rest, "sha256")
