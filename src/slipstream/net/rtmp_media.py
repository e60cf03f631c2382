"""The media of an RTMP connection, as frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slipstream.errors import MediaError
from slipstream.media import Frame, parse_tag, split_tracks
from slipstream.rtmp import Message


def read_frames(messages: Sequence[Message], refuse: Callable[[MediaError], None]) -> list[Frame]:
    """Return the frames in the messages of one read.

    Args:
        messages: of media.
        refuse: called for each that cannot be read.
    """
    frames: list[Frame] = []
    for timestamp, type_id, _, payload in messages:
        try:
            frame = parse_tag(type_id, timestamp, payload)
            if frame.config:
                # FFmpeg configures only the first of several tracks that come in one.
                frames += split_tracks(frame)
            else:
                frames.append(frame)
        except MediaError as error:
            refuse(error)
    return frames
