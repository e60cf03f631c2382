"""Tracks of sound: what a sample entry says of each codec (ISO 14496-12 §12.2.3).

In: configurations as FLV has them, and for codecs without one a frame. All count time in the
samples that a decoder gives out.
"""

from __future__ import annotations

from struct import Struct

from slipstream.errors import MediaError
from slipstream.media.boxes import box, full_box
from slipstream.media.codecs import ac3_record
from slipstream.media.codecs.aac import ELD, LC, LD, MAIN, parse_aac_config
from slipstream.media.codecs.ac3 import parse_ac3_header
from slipstream.media.codecs.flac import BLOCK_HEADERS, parse_flac_config, read_block_size
from slipstream.media.codecs.mp3 import parse_mp3_header
from slipstream.media.codecs.opus import (
    SAMPLE_RATE as OPUS_RATE,
)
from slipstream.media.codecs.opus import (
    STEREO_PACKET,
    OpusConfig,
    count_samples,
    parse_opus_config,
)
from slipstream.media.frame import Codec, Kind
from slipstream.media.mp4_track import Data, Mp4Track

AAC_OBJECTS = frozenset((MAIN, LC, 3, 4, 17, 19, LD, ELD))  # whose frames' length is known
AAC, MPEG1_AUDIO, MPEG2_AUDIO = 0x40, 0x6B, 0x69  # object types (ISO 14496-1 table 5)
AUDIO_STREAM = 0x05 << 2 | 1
STREAM, DECODER, SPECIFIC, SYNC_LAYER = 3, 4, 5, 6  # tags of descriptors (§7.2.2.1)
MAX_DESCRIPTOR = 0x7F  # bytes; longer lengths take several
MAX_RATE_FIELD = 0xFFFF  # Hz; of what is beyond, the entry says 0 and the timescale the truth
MP3_SAMPLES = {True: 1152, False: 576}  # in a frame of MPEG-1, and of MPEG-2 and 2.5

_pack_entry = Struct(">6xH8xHH4xHH").pack  # reference to the data, channels, bits, rate
_pack_decoder = Struct(">BB3xII").pack  # object type, kind, buffer, greatest and mean bit rate
_pack_dops = Struct(">BBHIhB").pack


class _OpusTrack(Mp4Track):
    """Each packet says how long it is."""

    __slots__ = ()

    def samples_per_frame(self, data: Data) -> int:
        """See `Mp4Track`."""
        return count_samples(data)


class _FlacTrack(Mp4Track):
    """Each frame says how long it is: the last one is often shorter."""

    __slots__ = ()

    def samples_per_frame(self, data: Data) -> int:
        """See `Mp4Track`."""
        return read_block_size(data)


class _Eac3Track(Mp4Track):
    """A frame has up to six blocks."""

    __slots__ = ()

    def samples_per_frame(self, data: Data) -> int:
        """See `Mp4Track`."""
        return ac3_record.count_eac3_samples(data)


def open_aac(config: bytes, _: bytes) -> Mp4Track:
    """AAC (ISO 14496-14 §6.7)."""
    record = parse_aac_config(config)
    rate, channels = record.sample_rate, record.output_channels
    if record.object_type not in AAC_OBJECTS or not channels:
        raise MediaError(f"MP4 with AAC {record.profile_name}, {channels} channels")
    if rate not in (record.core_rate, 2 * record.core_rate):
        raise MediaError(f"AAC of {record.core_rate} Hz that becomes {rate} Hz")
    return Mp4Track(
        Kind.AUDIO,
        rate,
        record.codec_string,
        _entry(b"mp4a", channels, rate, _stream_descriptor(AAC, config)),
        sample_rate=rate,
        channels=channels,
        frame_samples=record.frame_length * rate // record.core_rate,
    )


def open_mp3(_: bytes, sample: bytes) -> Mp4Track:
    """MP3, which MP4 knows as sound of MPEG-1 or MPEG-2."""
    header = parse_mp3_header(sample)
    rate, channels = header.sample_rate, header.channels
    descriptor = _stream_descriptor(MPEG1_AUDIO if header.mpeg1 else MPEG2_AUDIO)
    return Mp4Track(
        Kind.AUDIO,
        rate,
        header.codec_string,
        _entry(b"mp4a", channels, rate, descriptor),
        sample_rate=rate,
        channels=channels,
        frame_samples=MP3_SAMPLES[header.mpeg1],
    )


def open_opus(config: bytes, sample: bytes) -> Mp4Track:
    """Opus ("Encapsulation of Opus in ISO Base Media File Format", §4.3)."""
    if config:
        record = parse_opus_config(config)
    elif sample:
        channels = 2 if sample[0] & STEREO_PACKET else 1
        record = OpusConfig(channels, 0, OPUS_RATE, 0, 0, 1, channels - 1, b"")
    else:
        raise MediaError("neither an OpusHead nor a packet")
    family, channels = record.mapping_family, record.channels
    data = _pack_dops(0, channels, record.pre_skip, record.input_rate, record.gain, family)
    if family:
        data += bytes((record.streams, record.coupled_streams)) + record.mapping
    return _OpusTrack(
        Kind.AUDIO,
        OPUS_RATE,
        "Opus",
        _entry(b"Opus", channels, OPUS_RATE, box(b"dOps", data)),
        sample_rate=OPUS_RATE,
        channels=channels,
    )


def open_flac(config: bytes, _: bytes) -> Mp4Track:
    """FLAC ("Encapsulation of FLAC in ISO Base Media File Format", §3.3)."""
    record = parse_flac_config(config)
    rate, channels = record.sample_rate, record.channels
    info = full_box(b"dfLa", 0, 0, BLOCK_HEADERS[1], record.info)
    return _FlacTrack(
        Kind.AUDIO,
        rate,
        "fLaC",
        _entry(b"fLaC", channels, rate, info, bits=record.bit_depth),
        sample_rate=rate,
        channels=channels,
    )


def open_ac3(_: bytes, sample: bytes) -> Mp4Track:
    """AC-3 (ETSI TS 102 366 §F.3)."""
    record = box(b"dac3", ac3_record.build_dac3(sample))
    return _open_dolby(Mp4Track, "ac-3", sample, record, ac3_record.AC3_SAMPLES)


def open_eac3(_: bytes, sample: bytes) -> Mp4Track:
    """E-AC-3 (ETSI TS 102 366 §F.5)."""
    return _open_dolby(_Eac3Track, "ec-3", sample, box(b"dec3", ac3_record.build_dec3(sample)))


def _open_dolby(
    track: type[Mp4Track], name: str, sample: bytes, record: bytes, frame_samples: int = 0
) -> Mp4Track:
    """A track of either; `name` is that of its entry, and of the codec (RFC 6381)."""
    header = parse_ac3_header(sample)
    rate, channels = header.sample_rate, header.channels
    return track(
        Kind.AUDIO,
        rate,
        name,
        _entry(name.encode(), channels, rate, record),
        sample_rate=rate,
        channels=channels,
        frame_samples=frame_samples,
    )


def _entry(kind: bytes, channels: int, rate: int, record: bytes, *, bits: int = 16) -> bytes:
    shown = rate if rate <= MAX_RATE_FIELD else 0
    return box(kind, _pack_entry(1, channels, bits, shown, 0), record)


def _stream_descriptor(object_type: int, specific: bytes = b"") -> bytes:
    """The box "esds" (ISO 14496-14 §6.7.2): descriptors in descriptors (ISO 14496-1 §7.2.6)."""
    decoder = _pack_decoder(object_type, AUDIO_STREAM, 0, 0)
    if specific:
        decoder += _descriptor(SPECIFIC, specific)
    inner = _descriptor(DECODER, decoder) + _descriptor(SYNC_LAYER, b"\2")
    return full_box(b"esds", 0, 0, _descriptor(STREAM, b"\0\0\0" + inner))


def _descriptor(tag: int, data: bytes) -> bytes:
    """Its length takes four bytes, as other programs write it."""
    size = len(data)
    pieces = [size >> shift & MAX_DESCRIPTOR | 0x80 for shift in (21, 14, 7)]
    return bytes((tag, *pieces, size & MAX_DESCRIPTOR)) + data


OPENERS = {
    Codec.AAC: open_aac,
    Codec.MP3: open_mp3,
    Codec.OPUS: open_opus,
    Codec.FLAC: open_flac,
    Codec.AC3: open_ac3,
    Codec.EAC3: open_eac3,
}
