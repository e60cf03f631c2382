"""Boxes, which MP4 files consist of (ISO 14496-12 §4.2): a size, a kind, and whatever it holds."""

from __future__ import annotations

from struct import Struct

HEADER_SIZE = 8  # bytes of a box before what it holds
_pack_header = Struct(">I4s").pack
_pack_full_header = Struct(">I4sI").pack


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of parts that stand one after the other, boxes or not."""
    data = b"".join(parts)
    return _pack_header(HEADER_SIZE + len(data), kind) + data


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with a version, 8 bits, and flags, 24 bits, before its parts."""
    data = b"".join(parts)
    return _pack_full_header(HEADER_SIZE + 4 + len(data), kind, version << 24 | flags) + data
