"""Tracks of MP4: the same description that FFmpeg's own muxer writes; then odd ones; then any."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import cache
from itertools import pairwise

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media import (
    MP4_CARRIED,
    Codec,
    Kind,
    Mp4Track,
    Run,
    Sample,
    build_fragment,
    build_init,
    coded_data,
    config_data,
    needs_mp4_sample,
    open_mp4_track,
)
from tests.media.ffmpeg import Encoded, encode_audio, encode_video
from tests.mp4_reader import Track, read_init

VIDEO = {  # encoder: the record, and the codec in words
    "libx264": (b"avcC", "avc1.64000b"),
    "libx265": (b"hvcC", "hvc1.1.6.L30.90"),
    "libsvtav1": (b"av1C", "av01.0.00M.08"),
    "libvpx-vp9": (b"vpcC", "vp09.00.10.08"),
}
AUDIO = {  # encoder: the record, its samples, the codec in words, samples in a frame
    "aac": (b"esds", "fltp", "mp4a.40.2", 1024),
    "libmp3lame": (b"esds", "fltp", "mp4a.6B", 1152),
    "libopus": (b"dOps", "flt", "Opus", 960),
    "flac": (b"dfLa", "s16", "fLaC", 4608),
    "ac3": (b"dac3", "fltp", "ac-3", 1536),
    "eac3": (b"dec3", "fltp", "ec-3", 1536),
}
VVC = bytes.fromhex("ff 0011 5f 01 02 33 80 00 0780 0438 0000 00")
AVC_WITHOUT_SETS = bytes.fromhex("01 640028 ff e0 00")
AV1_ALONE = bytes.fromhex("81000c00")
SURROUND = b"OpusHead" + bytes.fromhex("01 06 3801 80bb0000 0000 01 0402 000401020305")
FLAC_INFO = bytes.fromhex("12001200 000000 000000 0bb802f0 00000000") + bytes(16)


def opened(encoded: Encoded, kind: Kind) -> Mp4Track:
    first = encoded.media(kind)[0]
    config = b""
    if any(frame.config for frame in encoded.frames if frame.kind is kind):
        config = config_data(encoded.config(kind))
    return open_mp4_track(first.codec, config, bytes(coded_data(first)))


def described(track: Mp4Track) -> Track:
    (found,) = read_init(build_init({1: track}))
    return found


def by_ffmpeg(encoded: Encoded) -> Track:
    """What FFmpeg's MP4 muxer makes of the same packets."""
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(encoded.flv), format="flv") as source,
        av.open(file, "w", format="mp4") as target,
    ):
        stream = target.add_stream_from_template(source.streams[0], opaque=True)
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    (found,) = read_init(file.getvalue())
    return found


@pytest.mark.parametrize("encoder", VIDEO)
def test_pictures_are_described_as_ffmpeg_describes_them(encoder: str) -> None:
    record, codec_string = VIDEO[encoder]
    encoded = encode_video(encoder)
    track = opened(encoded, Kind.VIDEO)
    ours, theirs = described(track), by_ffmpeg(encoded)
    if record == b"vpcC":  # of the colour, FFmpeg's FLV demuxer knows less than the record
        assert ours.records[record][:9] == theirs.records[record][:9]
    else:
        assert ours.records[record] == theirs.records[record]
    assert ours.entry == track.codec_string[:4].encode()
    assert (ours.width, ours.height) == (theirs.width, theirs.height) == (160, 120)
    assert (track.width, track.height) == (160, 120)
    assert (track.codec_string, track.timescale) == (codec_string, 90_000)


@pytest.mark.parametrize("rate", [48_000, 44_100])
@pytest.mark.parametrize("encoder", AUDIO)
def test_sounds_are_described_as_ffmpeg_describes_them(encoder: str, rate: int) -> None:
    record, samples, codec_string, length = AUDIO[encoder]
    rate = 48_000 if encoder == "libopus" else rate
    encoded = encode_audio(encoder, samples=samples, rate=rate)
    track = opened(encoded, Kind.AUDIO)
    ours, theirs = described(track), by_ffmpeg(encoded)
    if record == b"esds":
        assert descriptors(ours.records[record]) == descriptors(theirs.records[record])
    else:
        assert ours.records[record] == theirs.records[record]
    assert (ours.entry, ours.sample_rate) == (theirs.entry, theirs.sample_rate)
    assert (ours.channels, track.channels) == (2, 2)
    assert (track.codec_string, track.timescale, track.sample_rate) == (codec_string, rate, rate)
    lengths = {track.samples_per_frame(coded_data(f)) for f in encoded.media(Kind.AUDIO)}
    assert lengths == {length}


def descriptors(data: bytes) -> tuple[int, int, bytes]:
    """Of an esds: the object type, the kind of stream, what is specific of the codec.

    Buffer and bit rates are left out, of which a live stream knows nothing.
    """
    assert data[:9] == b"\0\0\0\0\x03" + data[5:8] + bytes((len(data) - 9,))
    tag, object_type, stream, rest = data[12], data[17], data[18], data[30:]
    assert tag == 4
    assert rest.endswith(b"\x06\x80\x80\x80\x01\x02")
    if rest[0] != 5:
        return object_type, stream, b""
    return object_type, stream, rest[5 : 5 + rest[4]]


def test_mp3_of_low_rates_has_another_type_and_shorter_frames() -> None:
    encoded = encode_audio("libmp3lame", rate=22_050, layout="mono")
    track = opened(encoded, Kind.AUDIO)
    ours, theirs = described(track), by_ffmpeg(encoded)
    assert descriptors(ours.records[b"esds"]) == descriptors(theirs.records[b"esds"])
    assert (track.codec_string, track.frame_samples, track.channels) == ("mp4a.69", 576, 1)


@pytest.mark.parametrize("encoder", ["ac3", "eac3"])
@pytest.mark.parametrize("layout", ["mono", "5.1", "5.0", "3.0"])
def test_channels_of_dolby_are_told(encoder: str, layout: str) -> None:
    encoded = encode_audio(encoder, layout=layout)
    track = opened(encoded, Kind.AUDIO)
    record = AUDIO[encoder][0]
    assert described(track).records[record] == by_ffmpeg(encoded).records[record]
    assert track.channels == av.AudioLayout(layout).nb_channels


@pytest.mark.parametrize("ms", ["2.5", "5", "10", "20", "40", "60", "100", "120"])
@pytest.mark.parametrize("application", ["audio", "voip", "lowdelay"])
def test_packets_of_opus_say_how_long_they_are(ms: str, application: str) -> None:
    options = {"frame_duration": ms, "application": application}
    encoded = encode_audio("libopus", samples="flt", options=options)
    track = opened(encoded, Kind.AUDIO)
    for frame in encoded.media(Kind.AUDIO):
        assert track.samples_per_frame(coded_data(frame)) == 48 * float(ms)


@pytest.mark.parametrize(
    ("config", "rate", "samples", "codec_string"),
    [
        ("1210", 44_100, 1024, "mp4a.40.2"),
        ("1194", 48_000, 960, "mp4a.40.2"),
        ("2b920800", 44_100, 2048, "mp4a.40.5"),
        ("eb8a0800", 44_100, 2048, "mp4a.40.29"),
        ("138856e5a54880", 44_100, 2048, "mp4a.40.29"),
        ("b98c00", 48_000, 480, "mp4a.40.23"),
        ("f8e62000", 48_000, 512, "mp4a.40.39"),
        ("1010", 96_000, 1024, "mp4a.40.2"),
    ],
)
def test_sound_of_aac_counts_in_what_a_decoder_gives_out(
    config: str, rate: int, samples: int, codec_string: str
) -> None:
    track = open_mp4_track(Codec.AAC, bytes.fromhex(config))
    assert (track.timescale, track.sample_rate) == (rate, rate)
    assert track.samples_per_frame(b"whatever") == samples
    assert track.codec_string == codec_string
    found = described(track)
    assert descriptors(found.records[b"esds"]) == (0x40, 0x15, bytes.fromhex(config))
    assert found.sample_rate == (rate if rate < 65_536 else 0)


def test_opus_in_several_streams() -> None:
    track = open_mp4_track(Codec.OPUS, SURROUND)
    assert described(track).records[b"dOps"].hex(" ") == (
        "00 06 01 38 00 00 bb 80 00 00 01 04 02 00 04 01 02 03 05"
    )
    assert track.channels == 6


@pytest.mark.parametrize(("packet", "channels"), [(b"\xfc", 2), (b"\xf8", 1)])
def test_opus_without_a_header_is_known_by_its_first_packet(packet: bytes, channels: int) -> None:
    track = open_mp4_track(Codec.OPUS, b"", packet)
    assert track.channels == channels
    assert described(track).records[b"dOps"][:2] == bytes((0, channels))


@pytest.mark.parametrize("front", [b"", bytes(4)])
def test_h266_as_far_as_its_record_says_a_profile(front: bytes) -> None:
    track = open_mp4_track(Codec.H266, front + VVC)
    found = described(track)
    assert (found.entry, found.width, found.height) == (b"vvc1", 1920, 1080)
    assert found.records == {b"vvcC": bytes(4) + VVC}
    assert track.codec_string == "vvc1.1.L51"


def test_vp8() -> None:
    """Neither FLV nor MP4 by FFmpeg has any, but it reads it; the record is by hand."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 120, "yuv420p"
    encoder.time_base = Fraction(1, 25)
    data = []
    for index in range(6):
        picture = av.VideoFrame(160, 120, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes((40 * index,)) * plane.buffer_size)
        picture.pts = index
        data += [bytes(packet) for packet in encoder.encode(picture)]
    data += [bytes(packet) for packet in encoder.encode(None)]
    track = open_mp4_track(Codec.VP8, bytes.fromhex("00 0a 80 02 02 02 0000"), data[0])
    found = described(track)
    assert (found.entry, found.width, found.height) == (b"vp08", 160, 120)
    assert found.records[b"vpcC"].hex() == "01000000" + "000a80020202" + "0000"
    samples = [Sample(track.payload(one), 3_600, 0, one is data[0]) for one in data]
    muxed = build_init({1: track}) + b"".join(build_fragment(1, [Run(1, 0, samples)]))
    with av.open(io.BytesIO(muxed), format="mp4") as source:
        pictures = list(source.decode(video=0))
    assert [picture.pts for picture in pictures] == [3_600 * index for index in range(6)]


def test_a_descriptor_of_av1_becomes_a_record() -> None:
    encoded = encode_video("libsvtav1")
    config, key = config_data(encoded.config(Kind.VIDEO)), encoded.media(Kind.VIDEO)[0]
    descriptor = b"\x80\x04" + config[:3] + bytes((config[3] | 0xC0,))
    track = open_mp4_track(Codec.AV1, descriptor, bytes(coded_data(key)))
    assert described(track).records[b"av1C"] == config[:4]
    assert (track.width, track.height) == (160, 120)


def test_temporal_delimiters_are_left_out() -> None:
    encoded = encode_video("libsvtav1")
    track = opened(encoded, Kind.VIDEO)
    for frame in encoded.media(Kind.VIDEO):
        data = bytes(coded_data(frame))
        assert data.startswith(b"\x12\0")  # FFmpeg's FLV muxer leaves them there
        assert track.payload(memoryview(data)) == data[2:]
        assert track.payload(data[2:]) == data[2:]


def test_drafts_of_h265_records_get_the_number_of_the_standard() -> None:
    config = config_data(encode_video("libx265").config(Kind.VIDEO))
    track = open_mp4_track(Codec.H265, b"\0" + config[1:])
    assert described(track).records[b"hvcC"] == config


def test_equal_configurations_make_equal_tracks() -> None:
    first, second = (opened(encode_audio("libopus", samples="flt"), Kind.AUDIO) for _ in range(2))
    assert first == second
    assert first != open_mp4_track(Codec.OPUS, SURROUND)


@pytest.mark.parametrize("codec", sorted(set(Codec) - MP4_CARRIED))
def test_what_mp4_cannot_carry_is_told(codec: Codec) -> None:
    with pytest.raises(MediaError, match="MP4 cannot carry"):
        open_mp4_track(codec, b"\x12\x10", b"frame")


@pytest.mark.parametrize("codec", sorted(MP4_CARRIED))
def test_without_anything_there_is_no_track(codec: Codec) -> None:
    with pytest.raises(MediaError):
        open_mp4_track(codec, b"")


@pytest.mark.parametrize("encoder", [*VIDEO, *AUDIO])
def test_whether_a_frame_is_needed_is_told(encoder: str) -> None:
    if encoder in VIDEO:
        encoded, kind = encode_video(encoder), Kind.VIDEO
    else:
        encoded, kind = encode_audio(encoder, samples=AUDIO[encoder][1]), Kind.AUDIO
    codec = encoded.media(kind)[0].codec
    if needs_mp4_sample(codec):
        configs = [f for f in encoded.frames if f.kind is kind and f.config]
        with pytest.raises(MediaError):
            open_mp4_track(codec, config_data(configs[0]) if configs else b"")
    else:
        assert open_mp4_track(codec, config_data(encoded.config(kind))) == opened(encoded, kind)


@pytest.mark.parametrize(
    ("codec", "config", "sample"),
    [
        (Codec.H264, AVC_WITHOUT_SETS, b""),
        (Codec.H265, b"\1" + bytes(22), b""),
        (Codec.H266, b"\xfe\0", b""),
        (Codec.H266, VVC[:9] + bytes(7), b""),  # pictures of 0x0
        (Codec.AV1, AV1_ALONE, b""),
        (Codec.AV1, AV1_ALONE, b"\x12\0"),
        (Codec.AAC, bytes.fromhex("f95043"), b""),  # xHE-AAC
        (Codec.AAC, bytes.fromhex("1180"), b""),  # channels listed, no list
        (Codec.AAC, bytes.fromhex("1192"), b""),
        (Codec.AAC, bytes.fromhex("2a118800"), b""),  # 96 kHz that become 48
        (Codec.AC3, b"", b"\x0b\x77\0\0\0\x80\x40\0"),  # E-AC-3
        (Codec.EAC3, b"", b"\x0b\x77\0\0\x14\x40\x40\0"),  # AC-3
    ],
)
def test_what_cannot_be_described_soundly_is_refused(
    codec: Codec, config: bytes, sample: bytes
) -> None:
    with pytest.raises(MediaError):
        open_mp4_track(codec, config, sample)


@cache
def good() -> dict[Codec, tuple[bytes, bytes]]:
    """What makes a track, to be spoiled."""
    found = {}
    for encoder in ("libx264", "libx265", "libsvtav1", "libvpx-vp9"):
        encoded = encode_video(encoder)
        frame = encoded.media(Kind.VIDEO)[0]
        found[frame.codec] = (
            config_data(encoded.config(Kind.VIDEO)),
            bytes(coded_data(frame)[:600]),
        )
    for encoder, (_, samples, _, _) in AUDIO.items():
        encoded = encode_audio(encoder, samples=samples)
        frame = encoded.media(Kind.AUDIO)[0]
        is_config = [f for f in encoded.frames if f.config and f.kind is Kind.AUDIO]
        config = config_data(is_config[0]) if is_config else b""
        found[frame.codec] = config, bytes(coded_data(frame)[:600])
    found[Codec.H266] = VVC, b""
    found[Codec.VP8] = found[Codec.VP9][0], bytes.fromhex("9000009d012aa0007800")
    return found


def spoiled(data: bytes) -> st.SearchStrategy[bytes]:
    """The same with some bytes changed, or cut, or something else."""

    def change(changes: dict[int, int], end: int) -> bytes:
        changed = bytearray(data)
        for index, value in changes.items():
            if index < len(data):
                changed[index] = value
        return bytes(changed[:end])

    place = st.integers(0, min(len(data), 60))
    changes = st.dictionaries(place, st.integers(0, 255), max_size=6)
    end = st.just(len(data)) | st.integers(0, len(data))
    return st.builds(change, changes, end) | st.binary(max_size=40)


@given(st.data())
def test_any_configuration_is_a_track_or_refused(data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from(sorted(good())))
    config, sample = (data.draw(spoiled(whole)) for whole in good()[codec])
    try:
        track = open_mp4_track(codec, config, sample)
    except MediaError:
        return
    found = described(track)
    assert (found.timescale, found.width, found.height) == (
        track.timescale,
        track.width,
        track.height,
    )
    assert track.timescale > 0
    for frame in (sample, data.draw(st.binary(max_size=20))):
        try:
            count = track.samples_per_frame(frame)
        except MediaError:
            continue
        assert 0 <= count <= 1 << 17
        assert (count > 0) is (track.kind is Kind.AUDIO)
        assert bytes(track.payload(frame)) in (frame, frame[2:])


def test_lengths_of_sounds_add_up_to_the_times_of_the_publisher() -> None:
    for encoder, (_, samples, _, _) in AUDIO.items():
        encoded = encode_audio(encoder, samples=samples)
        track = opened(encoded, Kind.AUDIO)
        for one, following in pairwise(encoded.media(Kind.AUDIO)):
            if encoder != "libopus" or one.dts_ms:
                length = track.samples_per_frame(coded_data(one)) / track.timescale
                assert abs(following.dts_ms - one.dts_ms - 1000 * length) <= 1
