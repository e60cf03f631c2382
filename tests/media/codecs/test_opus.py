"""OpusHead by FFmpeg, with and without a mapping of channels; and the lengths of packets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.opus import OpusConfig, count_samples, parse_opus_config
from slipstream.media.frame import Kind
from slipstream.media.payload import coded_data
from tests.media.ffmpeg import encode_audio

STEREO = b"OpusHead" + bytes.fromhex("01 02 3801 80bb0000 0000 00")
SURROUND = b"OpusHead" + bytes.fromhex("01 06 3801 80bb0000 0000 01 0402 000401020305")


def test_stereo() -> None:
    assert parse_opus_config(STEREO) == OpusConfig(2, 312, 48000, 0, 0, 1, 1, b"\0\1")


def test_mono_with_a_gain() -> None:
    mono = b"OpusHead" + bytes.fromhex("01 01 0000 401f0000 00ff 00")
    assert parse_opus_config(mono) == OpusConfig(1, 0, 8000, -256, 0, 1, 0, b"\0")


def test_surround() -> None:
    config = parse_opus_config(SURROUND)
    assert config == OpusConfig(6, 312, 48000, 0, 1, 4, 2, bytes.fromhex("000401020305"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OpusHead",
        b"OpusTags" + STEREO[8:],
        STEREO[:-1],
        SURROUND[:-1],
        STEREO[:8] + b"\x10" + STEREO[9:],  # a version to come
        STEREO[:9] + b"\x00" + STEREO[10:],  # no channels
        STEREO[:9] + b"\x03" + STEREO[10:],  # three, and no mapping
    ],
)
def test_what_is_no_header_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        parse_opus_config(data)


@given(st.binary(max_size=20), st.integers(0, len(SURROUND)))
def test_any_bytes_are_a_header_or_refused(data: bytes, cut: int) -> None:
    try:
        config = parse_opus_config(SURROUND[:cut] + data)
    except MediaError:
        return
    assert len(config.mapping) == config.channels


def test_low_bit_rates_of_opus_are_speech_or_both() -> None:
    seen = set()
    for rate in (8_000, 12_000, 16_000, 24_000, 48_000):
        for ms in ("10", "20", "60"):
            options = {"frame_duration": ms, "application": "voip", "b": "12000"}
            encoded = encode_audio(
                "libopus", rate=rate, layout="mono", samples="flt", options=options
            )
            for frame in encoded.media(Kind.AUDIO):
                data = coded_data(frame)
                seen.add(data[0] >> 3)
                assert count_samples(data) == 48 * int(ms)
    assert min(seen) < 12


@pytest.mark.parametrize(
    ("packet", "samples"),
    [("00", 480), ("61", 2 * 480), ("68", 960), ("ff06", 6 * 960), ("830c", 12 * 120)],
)
def test_opus_in_several_frames(packet: str, samples: int) -> None:
    assert count_samples(bytes.fromhex(packet)) == samples


@pytest.mark.parametrize("packet", ["", "03", "0300", "ff07", "1b3f"])
def test_opus_longer_than_120_ms_or_without_a_frame_is_refused(packet: str) -> None:
    with pytest.raises(MediaError):
        count_samples(bytes.fromhex(packet))


@given(st.binary(max_size=4))
def test_any_packet_has_a_length_or_is_refused(data: bytes) -> None:
    try:
        samples = count_samples(data)
    except MediaError:
        return
    assert 0 < samples <= 5760
    assert samples % 120 == 0
