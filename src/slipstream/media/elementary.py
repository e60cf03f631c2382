"""Codecs as MPEG-TS carries them: what stands in a PES packet, and what a PMT says of it.

FLV has parameter sets and configurations apart from the pictures and sounds; in MPEG-TS
whatever a decoder needs stands in the stream itself, again and again. Each codec has a PID of
its own, so that a change of codec is a new elementary stream, which every demuxer understands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from slipstream.errors import MediaError
from slipstream.media.codecs.aac import RATES, parse_aac_config, read_channel_configuration
from slipstream.media.codecs.ac3 import parse_ac3_header
from slipstream.media.codecs.avc import parse_avc_config
from slipstream.media.codecs.hevc import parse_hevc_config
from slipstream.media.codecs.mp3 import parse_mp3_header
from slipstream.media.codecs.opus import STEREO_PACKET, OpusConfig, parse_opus_config
from slipstream.media.frame import Codec
from slipstream.media.mpegts import ElementaryInfo
from slipstream.media.nal import split_units

VIDEO_ID, AUDIO_ID, PRIVATE_ID = 0xE0, 0xC0, 0xBD  # stream_id (ISO 13818-1 table 2-22)
REGISTRATION, EXTENSION = 0x05, 0x7F  # descriptor tags
START_CODE = b"\0\0\0\1"
MAX_SETS = 16 << 10  # bytes of parameter sets, since every keyframe gets them
PES_OVERHEAD = 13  # bytes that the length of a PES packet counts beside its payload
MAX_SOUND = 0xFFFF - PES_OVERHEAD  # bytes: only a picture may leave its length unsaid


def _registration(identifier: bytes) -> bytes:
    return bytes((REGISTRATION, len(identifier))) + identifier


class Elementary(ABC):
    """One elementary stream, of one codec in one configuration."""

    codec: ClassVar[Codec]
    info: ElementaryInfo

    @abstractmethod
    def payload(self, data: memoryview, *, keyframe: bool) -> bytes:
        """One access unit as it stands in a PES packet.

        Raises:
            MediaError: it cannot be read, or not be carried.
        """


class _UnitStream(Elementary):
    """Pictures in NAL units: with start codes, delimiters and parameter sets (annex B)."""

    delimiter: ClassVar[bytes]
    delimiter_heads: ClassVar[frozenset[int]]  # first bytes of the units of that type

    def __init__(self, sets: tuple[bytes, ...], length_size: int) -> None:
        size = sum(map(len, sets))
        if not 0 < size <= MAX_SETS:
            raise MediaError(f"{self.codec} configuration with {size} bytes of parameter sets")
        self._length_size = length_size
        self._sets = tuple(filter(None, sets))
        self._is_new = True

    def payload(self, data: memoryview, *, keyframe: bool) -> bytes:
        """See `Elementary`. Parameter sets go before keyframes, and before the first picture."""
        heads = self.delimiter_heads
        units = [unit for unit in split_units(data, self._length_size) if unit[0] not in heads]
        if not units:
            raise MediaError("a picture without NAL units")
        before: tuple[bytes, ...] = ()
        if keyframe or self._is_new:
            before, self._is_new = self._sets, False
        return START_CODE + START_CODE.join((self.delimiter, *before, *units))


class H264Stream(_UnitStream):
    """H.264 (ISO 13818-1 §2.14.1: each access unit begins with a delimiter)."""

    codec = Codec.H264
    info = ElementaryInfo(0x1B, 0x100, VIDEO_ID)
    delimiter = b"\x09\xf0"
    delimiter_heads = frozenset(range(9, 256, 32))

    def __init__(self, config: bytes) -> None:
        record = parse_avc_config(config)
        super().__init__(record.sps + record.pps, record.length_size)


class H265Stream(_UnitStream):
    """H.265 (ISO 13818-1 §2.17)."""

    codec = Codec.H265
    info = ElementaryInfo(0x24, 0x101, VIDEO_ID, _registration(b"HEVC"))
    delimiter = b"\x46\x01\x50"
    delimiter_heads = frozenset((35 << 1, 35 << 1 | 1))

    def __init__(self, config: bytes) -> None:
        record = parse_hevc_config(config)
        super().__init__(record.vps + record.sps + record.pps, record.length_size)


class AacStream(Elementary):
    """AAC behind ADTS headers (ISO 14496-3 §1.A.2.2)."""

    codec = Codec.AAC
    info = ElementaryInfo(0x0F, 0x110, AUDIO_ID)
    header_size = 7
    max_size = (1 << 13) - 1  # bytes, header included

    def __init__(self, config: bytes) -> None:
        record = parse_aac_config(config)
        channels = read_channel_configuration(config)
        if not 1 <= record.object_type <= 4 or record.frame_length != 1024:
            raise MediaError(f"ADTS knows no AAC {record.profile_name}")
        if record.core_rate not in RATES or not 1 <= channels <= 7:
            raise MediaError(f"ADTS cannot say {record.core_rate} Hz, channels {channels}")
        # Sync, MPEG-4, no CRC; profile, rate, channels; length; fullness "variable", one frame.
        head = 0xFFF1 << 40 | (record.object_type - 1) << 38 | RATES.index(record.core_rate) << 34
        self._head = head | channels << 30 | 0x7FF << 2

    def payload(self, data: memoryview, *, keyframe: bool) -> bytes:  # noqa: ARG002
        """See `Elementary`."""
        size = len(data) + self.header_size
        if not data or size > self.max_size:
            raise MediaError(f"AAC frame of {len(data)} bytes")
        return (self._head | size << 13).to_bytes(self.header_size) + data


class _SelfContained(Elementary):
    """Sounds that say all about themselves: they pass as they are."""

    def payload(self, data: memoryview, *, keyframe: bool) -> bytes:  # noqa: ARG002
        """See `Elementary`."""
        if not 4 <= len(data) <= MAX_SOUND:
            raise MediaError(f"{self.codec} frame of {len(data)} bytes")
        return bytes(data)


class Mp3Stream(_SelfContained):
    """MP3, as sound of MPEG-1 or, with low rates, of MPEG-2."""

    codec = Codec.MP3

    def __init__(self, sample: bytes) -> None:
        header = parse_mp3_header(sample)
        self.info = ElementaryInfo(0x03 if header.mpeg1 else 0x04, 0x111, AUDIO_ID)


class Ac3Stream(_SelfContained):
    """AC-3 (ATSC A/52 annex A)."""

    codec = Codec.AC3
    info = ElementaryInfo(0x81, 0x113, PRIVATE_ID, _registration(b"AC-3"))

    def __init__(self, sample: bytes) -> None:
        parse_ac3_header(sample)


class Eac3Stream(_SelfContained):
    """E-AC-3 (ATSC A/52 annex G)."""

    codec = Codec.EAC3
    info = ElementaryInfo(0x87, 0x114, PRIVATE_ID, _registration(b"EAC3"))

    def __init__(self, sample: bytes) -> None:
        parse_ac3_header(sample)


# Streams, coupled streams and order of the channels that MPEG-TS has one number for: those of
# Vorbis (RFC 7845 §5.1.1.2).
OPUS_LAYOUTS = {
    1: (1, 0, bytes((0,))),
    2: (1, 1, bytes((0, 1))),
    3: (2, 1, bytes((0, 2, 1))),
    4: (2, 2, bytes((0, 1, 2, 3))),
    5: (3, 2, bytes((0, 4, 1, 2, 3))),
    6: (4, 2, bytes((0, 4, 1, 2, 3, 5))),
    7: (4, 3, bytes((0, 4, 1, 2, 3, 5, 6))),
    8: (5, 3, bytes((0, 6, 1, 2, 3, 4, 5, 7))),
}


def _opus_channels(config: bytes, sample: bytes) -> int:
    """The channel configuration code: the number of channels in the usual order."""
    if not config:
        if not sample:
            raise MediaError("neither an OpusHead nor a packet")
        return 2 if sample[0] & STEREO_PACKET else 1
    record: OpusConfig = parse_opus_config(config)
    layout = record.streams, record.coupled_streams, record.mapping
    if record.mapping_family > 1 or OPUS_LAYOUTS.get(record.channels) != layout:
        raise MediaError(f"Opus with {record.channels} channels in an order of its own")
    return record.channels


class OpusStream(Elementary):
    """Opus behind control headers ("Opus in MPEG-TS", wiki.xiph.org/OpusTS)."""

    codec = Codec.OPUS

    def __init__(self, config: bytes, sample: bytes) -> None:
        channels = _opus_channels(config, sample)
        descriptors = _registration(b"Opus") + bytes((EXTENSION, 2, 0x80, channels))
        self.info = ElementaryInfo(0x06, 0x112, PRIVATE_ID, descriptors)

    def payload(self, data: memoryview, *, keyframe: bool) -> bytes:  # noqa: ARG002
        """See `Elementary`."""
        size = len(data)
        if not 0 < size <= MAX_SOUND - 300:
            raise MediaError(f"Opus packet of {size} bytes")
        return b"\x7f\xe0" + b"\xff" * (size // 255) + bytes((size % 255,)) + data


BY_CONFIG: dict[Codec, Callable[[bytes], Elementary]] = {
    Codec.H264: H264Stream,
    Codec.H265: H265Stream,
    Codec.AAC: AacStream,
}
BY_SAMPLE: dict[Codec, Callable[[bytes], Elementary]] = {
    Codec.MP3: Mp3Stream,
    Codec.AC3: Ac3Stream,
    Codec.EAC3: Eac3Stream,
}
CARRIED = frozenset((*BY_CONFIG, *BY_SAMPLE, Codec.OPUS))


def needs_sample(codec: Codec) -> bool:
    """Whether it takes a frame to know what the stream is."""
    return codec in BY_SAMPLE


def open_elementary(codec: Codec, config: bytes, sample: bytes) -> Elementary:
    """Begin an elementary stream.

    Args:
        codec: of the frames.
        config: their configuration; empty where there is none.
        sample: the beginning of a frame; empty where there is none yet.

    Raises:
        MediaError: MPEG-TS cannot carry this, or not without what is missing.
    """
    if codec in BY_CONFIG:
        return BY_CONFIG[codec](config)
    if codec in BY_SAMPLE:
        return BY_SAMPLE[codec](sample)
    if codec is Codec.OPUS:
        return OpusStream(config, sample)
    raise MediaError(f"MPEG-TS cannot carry {codec}")
