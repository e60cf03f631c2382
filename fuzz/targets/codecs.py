"""Codec configurations and the headers of coded pictures and sounds.

The first byte chooses the reader, the rest is what a codec's own document describes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from slipstream.errors import MediaError
from slipstream.media import audio_info, video_info
from slipstream.media.codecs.aac import parse_aac_config
from slipstream.media.codecs.av1 import find_av1_sequence, parse_av1_config
from slipstream.media.codecs.avc import parse_avc_config, parse_avc_sps
from slipstream.media.codecs.hevc import parse_hevc_config
from slipstream.media.codecs.hevc_sps import parse_hevc_sps
from slipstream.media.codecs.vpx import parse_vp_config
from slipstream.media.codecs.vvc import parse_vvc_config
from slipstream.media.frame import Codec
from slipstream.media.nal import is_disposable, split_units

ALLOWED = (MediaError,)
MAX_BYTES = 512


def _is_disposable(codec: Codec, data: bytes) -> bool:
    return is_disposable(codec, data, 0)


READERS: tuple[Callable[[bytes], object], ...] = (
    *(reader for _, reader in sorted(audio_info.CONFIG_READERS.items())),
    *(reader for _, reader in sorted(audio_info.FRAME_READERS.items())),
    *(reader for _, reader in sorted(video_info.CONFIG_READERS.items())),
    *(reader for _, reader in sorted(video_info.KEYFRAME_READERS.items())),
    parse_aac_config,
    parse_av1_config,
    find_av1_sequence,
    parse_avc_config,
    parse_avc_sps,
    parse_hevc_config,
    parse_hevc_sps,
    parse_vp_config,
    parse_vvc_config,
    lambda data: [len(unit) for unit in split_units(data)],
    partial(_is_disposable, Codec.H264),
    partial(_is_disposable, Codec.H265),
    partial(_is_disposable, Codec.H266),
    partial(_is_disposable, Codec.AV1),
)


def run(data: bytes) -> None:
    """Give the bytes to one reader, and look at all that it has found."""
    if len(data) < 2:
        return  # frames and configurations without data are not read at all
    reader = READERS[data[0] % len(READERS)]
    try:
        found = reader(data[1:])
    except ALLOWED:
        return
    for name in dir(type(found)):
        if isinstance(getattr(type(found), name), property):
            getattr(found, name)
    repr(found)
