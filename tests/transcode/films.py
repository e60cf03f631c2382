"""Keyframes out of films, for tests of snapshots."""

from __future__ import annotations

from pathlib import Path

from slipstream.media import Kind, parse_tag
from slipstream.transcode.keyframe import Keyframe, keyframe_of
from tests.clips import read_tags


def keyframe_in(path: Path) -> Keyframe:
    """The first keyframe of an FLV file."""
    frames = [parse_tag(*tag) for tag in read_tags(path) if tag.type_id != Kind.AUDIO]
    first = next(index for index, frame in enumerate(frames) if frame.keyframe)
    keyframe = keyframe_of(frames[: first + 1])
    assert keyframe is not None
    return keyframe
