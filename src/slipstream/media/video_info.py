"""What configurations and keyframes of the video codecs say, in the words of `CodecInfo`.

One function per record, and tables of them by codec. All raise MediaError for what cannot be
read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from slipstream.media.codec_info import CodecInfo
from slipstream.media.codecs.av1 import find_av1_sequence, parse_av1_config
from slipstream.media.codecs.avc import parse_avc_config, parse_avc_sps
from slipstream.media.codecs.hevc import parse_hevc_config
from slipstream.media.codecs.hevc_sps import parse_hevc_sps
from slipstream.media.codecs.vpx import (
    VpKeyframe,
    parse_vp8_keyframe,
    parse_vp9_keyframe,
    parse_vp_config,
)
from slipstream.media.codecs.vvc import parse_vvc_config
from slipstream.media.frame import Codec


def _level(value: int, whole: int, tenth: int) -> str:
    """A level as people write it, from a number that counts in steps."""
    return f"{value // whole}.{value % whole // tenth}"


def avc_info(data: bytes) -> CodecInfo:
    """Read an avcC record and its first sequence parameter set."""
    config = parse_avc_config(data)
    info = CodecInfo(
        Codec.H264, config.codec_string, config.profile_name, _level(config.level, 10, 1)
    )
    if not config.sps:
        return info
    sps = parse_avc_sps(config.sps[0])
    return replace(
        info,
        width=sps.width,
        height=sps.height,
        frame_rate=sps.frame_rate,
        bit_depth=sps.bit_depth,
    )


def hevc_info(data: bytes) -> CodecInfo:
    """Read an hvcC record and its first sequence parameter set."""
    config = parse_hevc_config(data)
    info = CodecInfo(
        Codec.H265,
        config.codec_string,
        config.profile_name,
        _level(config.level, 30, 3),
        bit_depth=config.bit_depth,
    )
    if not config.sps:
        return info
    sps = parse_hevc_sps(config.sps[0])
    return replace(info, width=sps.width, height=sps.height, frame_rate=sps.frame_rate)


def vvc_info(data: bytes) -> CodecInfo:
    """Read the beginning of a vvcC record."""
    config = parse_vvc_config(data)
    return CodecInfo(
        Codec.H266,
        config.codec_string,
        config.profile_name,
        None if config.level is None else _level(config.level, 16, 3),
        config.width,
        config.height,
        bit_depth=config.bit_depth,
    )


def av1_info(data: bytes) -> CodecInfo:
    """Read an av1C record, and the sequence header if it holds one."""
    config = parse_av1_config(data)
    info = CodecInfo(
        Codec.AV1,
        config.codec_string,
        config.profile_name,
        _av1_level(config.level),
        bit_depth=config.bit_depth,
    )
    return info.filled_from(av1_frame_info(config.config_obus))


def av1_frame_info(data: bytes) -> CodecInfo:
    """Read the sequence header that a keyframe begins with."""
    sequence = find_av1_sequence(data)
    if sequence is None:
        return CodecInfo(Codec.AV1)
    return CodecInfo(
        Codec.AV1,
        level=_av1_level(sequence.level),
        width=sequence.width,
        height=sequence.height,
        frame_rate=sequence.frame_rate,
    )


def _av1_level(index: int) -> str:
    return f"{2 + index // 4}.{index % 4}"


def vp8_info(data: bytes) -> CodecInfo:
    """Read a vpcC record of VP8."""
    return _vp_info(Codec.VP8, data)


def vp9_info(data: bytes) -> CodecInfo:
    """Read a vpcC record of VP9."""
    return _vp_info(Codec.VP9, data)


def _vp_info(codec: Codec, data: bytes) -> CodecInfo:
    config = parse_vp_config(data)
    return CodecInfo(
        codec,
        config.codec_string(codec),
        str(config.profile),
        _level(config.level, 10, 1),
        bit_depth=config.bit_depth,
    )


def vp8_frame_info(data: bytes) -> CodecInfo:
    """Read the header of a VP8 keyframe."""
    return _vp_frame_info(Codec.VP8, parse_vp8_keyframe(data))


def vp9_frame_info(data: bytes) -> CodecInfo:
    """Read the header of a VP9 keyframe."""
    return _vp_frame_info(Codec.VP9, parse_vp9_keyframe(data))


def _vp_frame_info(codec: Codec, key: VpKeyframe) -> CodecInfo:
    return CodecInfo(
        codec,
        profile=str(key.profile),
        width=key.width,
        height=key.height,
        bit_depth=key.bit_depth,
    )


CONFIG_READERS: dict[Codec, Callable[[bytes], CodecInfo]] = {
    Codec.H264: avc_info,
    Codec.H265: hevc_info,
    Codec.H266: vvc_info,
    Codec.AV1: av1_info,
    Codec.VP8: vp8_info,
    Codec.VP9: vp9_info,
}
KEYFRAME_READERS: dict[Codec, Callable[[bytes], CodecInfo]] = {
    Codec.AV1: av1_frame_info,
    Codec.VP8: vp8_frame_info,
    Codec.VP9: vp9_frame_info,
}
