"""A coded picture that can be decoded alone, and how a child is told to make JPEGs of it.

What the worker tells the child: one line of JSON, then the codec's configuration and the coded
picture. What the child answers: one line of JSON, then the JPEGs, or why there are none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Self

from slipstream.errors import MediaError
from slipstream.media import (
    Codec,
    Frame,
    Kind,
    Role,
    coded_data,
    config_data,
    config_role,
    plain_track,
)

DIGEST_BYTES = 12


@dataclass(frozen=True, slots=True)
class Keyframe:
    """One, with what its decoder needs before."""

    codec: Codec
    config: bytes
    """Empty if the codec has none."""
    data: bytes

    @property
    def digest(self) -> str:
        """The same for the same picture, in whatever process."""
        content = hashlib.blake2b(self.codec.encode(), digest_size=DIGEST_BYTES)
        content.update(len(self.config).to_bytes(4) + self.config)
        content.update(self.data)
        return content.hexdigest()

    def to_order(self, widths: Sequence[int]) -> bytes:
        """What the child is told: make JPEGs no wider than these."""
        head = [self.codec, len(self.config), len(self.data), list(widths)]
        return b"".join((json.dumps(head).encode(), b"\n", self.config, self.data))

    @classmethod
    def read_order(cls, stream: BinaryIO) -> tuple[Self, list[int]] | None:
        """Return what `to_order` wrote; None at the end."""
        line = stream.readline()
        if not line:
            return None
        codec, config_size, size, widths = json.loads(line)
        return cls(Codec(codec), stream.read(config_size), stream.read(size)), widths


@dataclass(frozen=True, slots=True)
class Outcome:
    """The head of the child's answer."""

    sizes: Sequence[int] = ()
    """Of the JPEGs that follow, in bytes."""
    reason: str = ""
    """Why none does."""

    def to_line(self) -> bytes:
        """As the worker gets it."""
        return json.dumps([list(self.sizes), self.reason]).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """What `to_line` wrote.

        Raises:
            ValueError: it is something else: a decoder has overwritten its own process.
        """
        match json.loads(line):
            case [list(sizes), str(reason)] if all(isinstance(size, int) for size in sizes):
                return cls(sizes, reason)
        raise ValueError("no outcome")


def keyframe_of(frames: Sequence[Frame]) -> Keyframe | None:
    """Return the picture that a newcomer would start with; None if that is no picture.

    Args:
        frames: the greeting, and the first frame behind it.
    """
    config = b""
    try:
        for frame in frames:
            if frame.kind is not Kind.VIDEO:
                continue
            shown = plain_track(frame)
            if shown is None:
                continue
            if shown.keyframe:
                return Keyframe(shown.codec, config, bytes(coded_data(shown)))
            if shown.config and config_role(shown).order is Role.CODEC:
                config = config_data(shown)
    except MediaError:
        return None
    return None
