"""Figures and codecs as people read them."""

from __future__ import annotations

from slipstream.media import Codec, CodecInfo

CODEC_NAMES = {
    Codec.H264: "H.264",
    Codec.H265: "H.265",
    Codec.H266: "H.266",
    Codec.AC3: "AC-3",
    Codec.EAC3: "E-AC-3",
    Codec.OPUS: "Opus",
    Codec.PCMA: "G.711 A-law",
    Codec.PCMU: "G.711 µ-law",
    Codec.SPEEX: "Speex",
    Codec.UNKNOWN: "unknown",
}
CHANNELS = {1: "mono", 2: "stereo"}


def codec_name(codec: Codec) -> str:
    """Return "H.264", "AAC" and the like."""
    return CODEC_NAMES.get(codec, codec.name)


def codec_words(info: CodecInfo) -> str:
    """Return the codec with profile and level, as far as they are known."""
    return " ".join(part for part in (codec_name(info.codec), info.profile, info.level) if part)


def shape_words(info: CodecInfo) -> str:
    """Return the size of pictures or the rate and channels of sound; nothing if unknown."""
    if info.width and info.height:
        depth = f", {info.bit_depth} bit" if info.bit_depth and info.bit_depth > 8 else ""
        return f"{info.width}x{info.height}{depth}"
    return sound_words(info.sample_rate, info.channels) if info.sample_rate else ""


def sound_words(sample_rate: int, channels: int | None) -> str:
    """Return "48000 Hz stereo" and the like."""
    if channels is None:
        return f"{sample_rate} Hz"
    return f"{sample_rate} Hz {CHANNELS.get(channels, f'{channels} channels')}"


def rate_words(bits_per_s: float) -> str:
    """Return a bitrate with its unit."""
    if bits_per_s < 999_500:
        return f"{bits_per_s / 1e3:.0f} kbit/s"
    return f"{bits_per_s / 1e6:.2f} Mbit/s"


def size_words(size: int) -> str:
    """Return a number of bytes with its unit."""
    if size < 999_500:
        return f"{size / 1e3:.0f} kB"
    if size < 999_500_000:
        return f"{size / 1e6:.1f} MB"
    return f"{size / 1e9:.2f} GB"


def time_words(seconds: float) -> str:
    """Return hours, minutes and seconds."""
    whole = max(round(seconds), 0)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def count_words(count: int, one: str) -> str:
    """Return "no gaps", "1 gap", "2 gaps"."""
    return f"{count or 'no'} {one}{'' if count == 1 else 's'}"


def url_words(url: str) -> str:
    """Return a URL without its query: keys have no business on a screen."""
    return url.strip().partition("?")[0]
