"""Frames to publish: H.264 and AAC as far as a server looks into them, each one unlike all others.

publisher.send(*CONFIGS, *gop(0), *gop(200))
"""

from __future__ import annotations

from collections.abc import Iterable

from slipstream.media import Frame, build_metadata, parse_tag
from slipstream.rtmp import Message
from tests.hub.stage import audio_config, inter, key, sound, video_config

PICTURE_MS = 40
GOP_MS = 200

METADATA = parse_tag(18, 0, build_metadata({"videocodecid": 7.0, "audiocodecid": 10.0}))
CONFIGS = (METADATA, audio_config(), video_config())
CONFIGS_AGAIN = CONFIGS[1:]  # what comes after a jump


def gop(start_ms: int, *, pictures: int = 5, filling: int = 0) -> list[Frame]:
    """A keyframe and what follows it, with sound between; `filling` makes pictures larger."""
    frames = []
    for number in range(pictures):
        time_ms = start_ms + number * PICTURE_MS
        mark = b"%d " % time_ms + bytes(filling)
        frames.append((inter if number else key)(time_ms, mark))
        frames.append(sound(time_ms + 5, mark[:16]))
    return frames


def bodies(messages: Iterable[Message | Frame]) -> list[bytes]:
    """What is in them."""
    return [item.payload if isinstance(item, Message) else item.body for item in messages]
