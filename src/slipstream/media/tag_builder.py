"""Tag bodies from their parts: what the tools publish, and tests feed.

H.264, AAC and the codecs that FLV has always had get the header that every player reads;
everything else, and every track but the default one, that of Enhanced RTMP.
"""

from __future__ import annotations

from slipstream.media.enhanced_tag import (
    CODECS_WITH_CTS,
    CTS_SIZE,
    AudioPacket,
    Multitrack,
    VideoPacket,
)
from slipstream.media.frame import Codec
from slipstream.media.legacy_tag import CODED, CONFIG, END, INTER, KEY

H264_NUMBER = 7
AAC_FIRST = 0xAF
# First bytes of audio tags without a configuration, as FFmpeg writes them for 44.1 kHz stereo
# and for the fixed 8 and 16 kHz of the others.
LEGACY_AUDIO = {Codec.MP3: 0x2F, Codec.PCMA: 0x72, Codec.PCMU: 0x82, Codec.SPEEX: 0xB2}


def build_video_tag(
    codec: Codec, data: bytes, *, keyframe: bool, cts_ms: int = 0, track: int = 0
) -> bytes:
    """Build the body of a coded picture's tag."""
    frame_type = KEY if keyframe else INTER
    cts = cts_ms.to_bytes(CTS_SIZE, signed=True)
    if codec is Codec.H264 and not track:
        return bytes((frame_type << 4 | H264_NUMBER, CODED)) + cts + data
    if cts_ms and codec in CODECS_WITH_CTS:
        return _enhanced_video(frame_type, VideoPacket.CODED_FRAMES, codec, cts + data, track)
    packet = VideoPacket.CODED_FRAMES_X if codec in CODECS_WITH_CTS else VideoPacket.CODED_FRAMES
    return _enhanced_video(frame_type, packet, codec, data, track)


def build_video_config(codec: Codec, config: bytes, *, track: int = 0) -> bytes:
    """Build the body of a tag with a video codec's configuration."""
    if codec is Codec.H264 and not track:
        return bytes((KEY << 4 | H264_NUMBER, CONFIG)) + bytes(CTS_SIZE) + config
    return _enhanced_video(KEY, VideoPacket.SEQUENCE_START, codec, config, track)


def build_video_end(codec: Codec, *, track: int = 0) -> bytes:
    """Build the body of the tag that ends a sequence of pictures."""
    if codec is Codec.H264 and not track:
        return bytes((KEY << 4 | H264_NUMBER, END)) + bytes(CTS_SIZE)
    return _enhanced_video(KEY, VideoPacket.SEQUENCE_END, codec, b"", track)


def build_audio_tag(codec: Codec, data: bytes, *, track: int = 0) -> bytes:
    """Build the body of a coded sound's tag."""
    if not track and codec is Codec.AAC:
        return bytes((AAC_FIRST, CODED)) + data
    if not track and codec in LEGACY_AUDIO:
        return bytes((LEGACY_AUDIO[codec],)) + data
    return _enhanced_audio(AudioPacket.CODED_FRAMES, codec, data, track)


def build_audio_config(codec: Codec, config: bytes, *, track: int = 0) -> bytes:
    """Build the body of a tag with an audio codec's configuration."""
    if codec is Codec.AAC and not track:
        return bytes((AAC_FIRST, CONFIG)) + config
    return _enhanced_audio(AudioPacket.SEQUENCE_START, codec, config, track)


def _enhanced_video(
    frame_type: int, packet: VideoPacket, codec: Codec, data: bytes, track: int
) -> bytes:
    first = 0x80 | frame_type << 4
    return _enhanced(first, packet, VideoPacket.MULTITRACK, codec, data, track)


def _enhanced_audio(packet: AudioPacket, codec: Codec, data: bytes, track: int) -> bytes:
    return _enhanced(0x90, packet, AudioPacket.MULTITRACK, codec, data, track)


def _enhanced(
    first: int, packet: int, multitrack: int, codec: Codec, data: bytes, track: int
) -> bytes:
    fourcc = codec.encode()
    if not track:
        return bytes((first | packet,)) + fourcc + data
    layout = Multitrack.ONE_TRACK << 4 | packet
    return bytes((first | multitrack, layout)) + fourcc + bytes((track,)) + data
