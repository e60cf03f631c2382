"""A keyframe in, JPEGs out. Runs in a child process only: what it decodes comes from strangers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace

from slipstream.media import Codec
from slipstream.transcode.keyframe import Keyframe

# By FFmpeg's names. Its own decoder "av1" needs special hardware.
DECODERS = {
    Codec.H264: "h264",
    Codec.H265: "hevc",
    Codec.H266: "vvc",
    Codec.AV1: "libdav1d",
    Codec.VP8: "vp8",
    Codec.VP9: "vp9",
    Codec.SORENSON: "flv",
}
MAX_DOTS = 8192 * 4608  # of a picture: 57 MB each, in YUV
QUALITY = "3"  # FFmpeg's scale, 2 to 31, less is better
JPEG_FORMAT = "yuvj420p"  # JPEG's brightness takes the whole range of a byte
HD_LINES = 577  # from here on pictures that do not say so mean BT.709, those below BT.601
MATRICES = frozenset((0, 1, 4, 5, 6, 7, 9))  # of H.273, that FFmpeg converts from
PROPORTIONS = (Fraction(1, 4), Fraction(4))  # of a dot; beyond it somebody's experiment


def make_jpegs(keyframe: Keyframe, widths: Sequence[int]) -> list[bytes]:
    """Return the picture once for each width, no wider than that and no wider than it is.

    Raises:
        ValueError: there is no decoder for it, or no picture in it.
        av.FFmpegError: it cannot be decoded.
    """
    picture, proportion = _decode(keyframe)
    return [_encode(_scaled(picture, proportion, width)) for width in widths]


def _decode(keyframe: Keyframe) -> tuple[VideoFrame, Fraction]:
    """Return the picture, and how wide a dot is, of its height."""
    name = DECODERS.get(keyframe.codec)
    if name is None:
        raise ValueError(f"no decoder for {keyframe.codec}")
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, VideoCodecContext)
    if keyframe.config:
        decoder.extradata = keyframe.config
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(MAX_DOTS)}
    for picture in _pictures(decoder, keyframe.data):
        if not picture.is_corrupt:
            return picture, _proportion(decoder)
    raise ValueError("no picture in it")


def _pictures(decoder: VideoCodecContext, data: bytes) -> Iterator[VideoFrame]:
    yield from decoder.decode(Packet(data))
    yield from decoder.decode(None)


def _proportion(decoder: VideoCodecContext) -> Fraction:
    proportion = decoder.sample_aspect_ratio
    low, high = PROPORTIONS
    return proportion if proportion and low <= proportion <= high else Fraction(1)


def _scaled(picture: VideoFrame, proportion: Fraction, width: int) -> VideoFrame:
    whole = max(round(picture.width * proportion), 1)
    width = min(width, whole)
    if picture.colorspace not in MATRICES:
        usual = Colorspace.ITU709 if picture.height >= HD_LINES else Colorspace.ITU601
        picture.colorspace = usual
    return picture.reformat(
        width,
        max(round(picture.height * width / whole), 1),
        JPEG_FORMAT,
        src_colorspace=picture.colorspace,
        dst_colorspace=Colorspace.ITU601,  # as JFIF has it
    )


def _encode(picture: VideoFrame) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, JPEG_FORMAT
    encoder.time_base = Fraction(1, 25)  # it asks for one
    encoder.thread_count = 1
    encoder.options = {"qmin": QUALITY, "qmax": QUALITY}
    picture.pts = 0
    packets = [*encoder.encode(picture), *encoder.encode(None)]
    return b"".join(map(bytes, packets))
