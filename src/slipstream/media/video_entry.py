"""Tracks of pictures: what a sample entry says of each codec (ISO 14496-12 §12.1.3).

In: configurations as FLV has them, which for all codecs are the very records of MP4, and where
those lack the size, a keyframe. MP4 wants parameter sets in the description.
"""

from __future__ import annotations

from struct import Struct

from slipstream.errors import MediaError
from slipstream.media import video_info
from slipstream.media.boxes import box, full_box
from slipstream.media.codec_info import CodecInfo
from slipstream.media.codecs.av1 import RECORD_SIZE as AV1_RECORD_SIZE
from slipstream.media.codecs.av1 import TS_DESCRIPTOR
from slipstream.media.codecs.avc import parse_avc_config
from slipstream.media.codecs.hevc import parse_hevc_config
from slipstream.media.codecs.vpx import FULL_BOX as VP_FULL_BOX
from slipstream.media.codecs.vvc import FULL_BOX as VVC_FULL_BOX
from slipstream.media.frame import Codec, Kind
from slipstream.media.mp4_track import VIDEO_TIMESCALE, Data, Mp4Track

MAX_SIZE = 0xFFFF  # pixels in one direction
TEMPORAL_DELIMITER = b"\x12\x00"  # an OBU without content, of which MP4 has no need
VP_COLOUR_SIZE = 6  # bytes of a vpcC record; what follows, codecs have not yet used

# Reference to the data, size, 72 dots to the inch, one picture to a sample, no name, 24 bits.
_pack_entry = Struct(">6xH16xHHII4xH32xHh").pack
_DOTS = 72 << 16


class _Av1Track(Mp4Track):
    """AV1 in ISOBMFF §2.4: temporal delimiters should be left out."""

    __slots__ = ()

    def payload(self, data: Data) -> Data:
        """See `Mp4Track`."""
        return data[2:] if data[:2] == TEMPORAL_DELIMITER else data


def open_h264(config: bytes, _: bytes) -> Mp4Track:
    """H.264 (ISO 14496-15 §5.4.2)."""
    record = parse_avc_config(config)
    if not (record.sps and record.pps):
        raise MediaError("H.264 configuration without parameter sets")
    return _open(video_info.avc_info(config), box(b"avcC", config))


def open_h265(config: bytes, _: bytes) -> Mp4Track:
    """H.265 (ISO 14496-15 §8.4.1)."""
    record = parse_hevc_config(config)
    if not (record.vps and record.sps and record.pps):
        raise MediaError("H.265 configuration without parameter sets")
    # Records of version 0 have the same fields.
    return _open(video_info.hevc_info(config), box(b"hvcC", b"\1", config[1:]))


def open_h266(config: bytes, _: bytes) -> Mp4Track:
    """H.266 (ISO 14496-15 §11.3)."""
    return _open(
        video_info.vvc_info(config), full_box(b"vvcC", 0, 0, config.removeprefix(VVC_FULL_BOX))
    )


def open_av1(config: bytes, sample: bytes) -> Mp4Track:
    """AV1 (AV1 in ISOBMFF §2.2)."""
    info, record = video_info.av1_info(config), config
    if config.startswith(TS_DESCRIPTOR):
        descriptor = config.removeprefix(TS_DESCRIPTOR)
        # Its last byte begins with what is said of HDR, where the record has nothing.
        record = descriptor[:3] + bytes((descriptor[3] & 0x1F,)) + descriptor[AV1_RECORD_SIZE:]
    if not info.width and sample:
        info = info.filled_from(video_info.av1_frame_info(sample))
    return _open(info, box(b"av1C", record), _Av1Track)


def open_vp8(config: bytes, sample: bytes) -> Mp4Track:
    """VP8 (VP codec in ISOBMFF)."""
    info = video_info.vp8_info(config)
    return _open_vp(info.filled_from(video_info.vp8_frame_info(sample)), config)


def open_vp9(config: bytes, sample: bytes) -> Mp4Track:
    """VP9 (VP codec in ISOBMFF)."""
    info = video_info.vp9_info(config)
    return _open_vp(info.filled_from(video_info.vp9_frame_info(sample)), config)


def _open_vp(info: CodecInfo, config: bytes) -> Mp4Track:
    colour = config.removeprefix(VP_FULL_BOX)[:VP_COLOUR_SIZE]
    return _open(info, full_box(b"vpcC", 1, 0, colour, b"\0\0"))


def _open(info: CodecInfo, record: bytes, track: type[Mp4Track] = Mp4Track) -> Mp4Track:
    if info.codec_string is None:
        raise MediaError(f"{info.codec} configuration that does not say its profile")
    width, height = info.width or 0, info.height or 0
    if not (0 < width <= MAX_SIZE and 0 < height <= MAX_SIZE):
        raise MediaError(f"{info.codec} pictures of {width}x{height}")
    entry = _pack_entry(1, width, height, _DOTS, _DOTS, 1, 24, -1)
    return track(
        Kind.VIDEO,
        VIDEO_TIMESCALE,
        info.codec_string,
        box(info.codec.encode(), entry, record),
        width=width,
        height=height,
    )


OPENERS = {
    Codec.H264: open_h264,
    Codec.H265: open_h265,
    Codec.H266: open_h266,
    Codec.AV1: open_av1,
    Codec.VP8: open_vp8,
    Codec.VP9: open_vp9,
}
