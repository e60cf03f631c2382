"""What segments are called in addresses: a name means the same bytes wherever it is asked for."""

from __future__ import annotations

from zlib import crc32

from slipstream.formats.segments import TrackInfo


def init_name(name: str, track: TrackInfo) -> str:
    """What the initialisation segment of a track is called, by what is in it."""
    return f"{name}@{track.name}.{crc32(track.init):08x}.mp4"


def segment_name(name: str, track: str, number: int | str) -> str:
    """What a segment is called; the number may be what stands for one."""
    return f"{name}@{track}.{number}.m4s"


def ts_segment_name(name: str, number: int) -> str:
    """What a segment of MPEG-TS is called."""
    return f"{name}@ts.{number}.ts"


def part_name(name: str, track: str, number: int, index: int) -> str:
    """What a part of a segment is called."""
    return f"{name}@{track}.{number}.{index}.m4s"
