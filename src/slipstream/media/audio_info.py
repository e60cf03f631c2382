"""What configurations and frames of the audio codecs say, in the words of `CodecInfo`.

One function per kind of header, and tables of them by codec. All raise MediaError for what
cannot be read. Codecs that only FLV knows say what they have to in the tag's first byte.
"""

from __future__ import annotations

from collections.abc import Callable

from slipstream.media.codec_info import CodecInfo
from slipstream.media.codecs.aac import parse_aac_config
from slipstream.media.codecs.ac3 import parse_ac3_header
from slipstream.media.codecs.flac import parse_flac_config
from slipstream.media.codecs.mp3 import parse_mp3_header
from slipstream.media.codecs.opus import SAMPLE_RATE as OPUS_RATE
from slipstream.media.codecs.opus import STEREO_PACKET, parse_opus_config
from slipstream.media.frame import Codec

FLV_RATES = (5_512, 11_025, 22_050, 44_100)  # Hz, by the rate bits of an audio tag
TELEPHONE_RATE, SPEEX_RATE = 8_000, 16_000  # Hz, whatever the bits say
NELLYMOSER_RATES = {4: 16_000, 5: 8_000}  # Hz, by the format in an audio tag


def aac_info(data: bytes) -> CodecInfo:
    """Read an AudioSpecificConfig."""
    config = parse_aac_config(data)
    return CodecInfo(
        Codec.AAC,
        config.codec_string,
        config.profile_name,
        sample_rate=config.sample_rate,
        channels=config.output_channels or None,
    )


def opus_info(data: bytes) -> CodecInfo:
    """Read an OpusHead."""
    channels = parse_opus_config(data).channels
    return CodecInfo(Codec.OPUS, "Opus", sample_rate=OPUS_RATE, channels=channels)


def opus_frame_info(data: bytes) -> CodecInfo:
    """Read the first byte of an Opus packet."""
    channels = 2 if data[0] & STEREO_PACKET else 1
    return CodecInfo(Codec.OPUS, "Opus", sample_rate=OPUS_RATE, channels=channels)


def flac_info(data: bytes) -> CodecInfo:
    """Read a STREAMINFO block."""
    config = parse_flac_config(data)
    return CodecInfo(
        Codec.FLAC,
        "fLaC",
        bit_depth=config.bit_depth,
        sample_rate=config.sample_rate,
        channels=config.channels,
    )


def ac3_frame_info(data: bytes) -> CodecInfo:
    """Read a syncframe of AC-3 or E-AC-3."""
    header = parse_ac3_header(data)
    codec = Codec.EAC3 if header.enhanced else Codec.AC3
    return CodecInfo(codec, codec.value, sample_rate=header.sample_rate, channels=header.channels)


def mp3_frame_info(data: bytes) -> CodecInfo:
    """Read the header of an MP3 frame."""
    header = parse_mp3_header(data)
    return CodecInfo(
        Codec.MP3,
        header.codec_string,
        sample_rate=header.sample_rate,
        channels=header.channels,
    )


def legacy_info(codec: Codec, first: int) -> CodecInfo:
    """Read the first byte of a tag whose codec says nothing else."""
    sample_rate, channels = FLV_RATES[first >> 2 & 3], 1 + (first & 1)
    if codec in (Codec.PCMA, Codec.PCMU):
        sample_rate, channels = TELEPHONE_RATE, 1
    elif codec is Codec.SPEEX:
        sample_rate, channels = SPEEX_RATE, 1
    elif codec is Codec.NELLYMOSER:
        sample_rate = NELLYMOSER_RATES.get(first >> 4, sample_rate)
    bit_depth = (16 if first & 2 else 8) if codec is Codec.PCM else None
    return CodecInfo(codec, bit_depth=bit_depth, sample_rate=sample_rate, channels=channels)


CONFIG_READERS: dict[Codec, Callable[[bytes], CodecInfo]] = {
    Codec.AAC: aac_info,
    Codec.OPUS: opus_info,
    Codec.FLAC: flac_info,
}
FRAME_READERS: dict[Codec, Callable[[bytes], CodecInfo]] = {
    Codec.OPUS: opus_frame_info,
    Codec.AC3: ac3_frame_info,
    Codec.EAC3: ac3_frame_info,
    Codec.MP3: mp3_frame_info,
}
LEGACY_CODECS = frozenset(
    (Codec.PCM, Codec.ADPCM, Codec.NELLYMOSER, Codec.PCMA, Codec.PCMU, Codec.SPEEX)
)
