"""What is in a stream: `describe` asks each codec's reader about the frames it is given.

Nothing is made up that the stream's own bytes do not say; metadata is not asked.
"""

from __future__ import annotations

from slipstream.media import audio_info, video_info
from slipstream.media.codec_info import CodecInfo
from slipstream.media.frame import Frame, Kind
from slipstream.media.payload import Role, coded_data, config_data, config_role


def describe(frame: Frame, *more: Frame) -> CodecInfo:
    """Say what frames of one track tell of it; the first to say something is believed.

    Give it the configuration, and for VP8, VP9 and codecs without one a (key)frame as well.

    Raises:
        MediaError: a configuration or frame that cannot be read.
    """
    info = _describe_one(frame)
    for other in more:
        info = info.filled_from(_describe_one(other))
    return info


def _describe_one(frame: Frame) -> CodecInfo:
    nothing = CodecInfo(frame.codec)
    if frame.config:
        return _describe_config(frame)
    if frame.kind is Kind.AUDIO:
        if frame.codec in audio_info.LEGACY_CODECS:
            return audio_info.legacy_info(frame.codec, frame.body[0])
        reader = audio_info.FRAME_READERS.get(frame.codec)
    else:
        reader = video_info.KEYFRAME_READERS.get(frame.codec) if frame.keyframe else None
    data = bytes(coded_data(frame)) if reader else b""
    return reader(data) if reader and data else nothing


def _describe_config(frame: Frame) -> CodecInfo:
    role = config_role(frame).order
    data = config_data(frame)
    if role is Role.CHANNELS and len(data) > 1:
        return CodecInfo(frame.codec, channels=data[1])
    readers = audio_info.CONFIG_READERS if frame.kind is Kind.AUDIO else video_info.CONFIG_READERS
    reader = readers.get(frame.codec) if role is Role.CODEC else None
    return reader(data) if reader and data else CodecInfo(frame.codec)
