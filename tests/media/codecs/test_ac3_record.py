"""Records and lengths of AC-3 and E-AC-3: frames by FFmpeg, and by hand what it does not make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.ac3_record import build_dac3, build_dec3, count_eac3_samples
from slipstream.media.frame import Kind
from slipstream.media.payload import coded_data
from tests.media.ffmpeg import encode_audio


def syncframe(
    size: int = 20, *, stream_type: int = 0, number: int = 0, rate: int = 0, blocks: int = 3
) -> bytes:
    """An E-AC-3 syncframe in stereo with nothing in it."""
    head = stream_type << 30 | number << 27 | (size // 2 - 1) << 16
    head |= rate << 14 | blocks << 12 | 2 << 9 | 16 << 3
    return b"\x0b\x77" + head.to_bytes(4) + bytes(size - 6)


@pytest.mark.parametrize(
    ("encoder", "rate", "record"),
    [
        ("ac3", 48_000, "101140"),
        ("ac3", 44_100, "501140"),
        ("eac3", 48_000, "0600200400"),
        ("eac3", 32_000, "0600a00400"),
    ],
)
def test_records_say_what_frames_say(encoder: str, rate: int, record: str) -> None:
    """Whether FFmpeg's muxer writes the same is asked in test_sample_entry."""
    encoded = encode_audio(encoder, rate=rate)
    data = bytes(coded_data(encoded.media(Kind.AUDIO)[0]))
    build = build_dac3 if encoder == "ac3" else build_dec3
    assert build(data).hex() == record


@pytest.mark.parametrize(
    ("frame", "samples"),
    [
        (syncframe(), 1536),
        (syncframe(blocks=0), 256),
        (6 * syncframe(blocks=0), 1536),
        (syncframe() + b"tail", 1536),
        (syncframe(rate=3, blocks=1), 1536),  # half of a usual rate: always six blocks
        (syncframe() + syncframe(stream_type=1), 1536),  # more channels for the first
        (syncframe() + syncframe(number=1), 1536),  # another programme beside it
    ],
)
def test_frames_say_how_long_they_are(frame: bytes, samples: int) -> None:
    assert count_eac3_samples(frame) == samples
    assert count_eac3_samples(memoryview(frame)) == samples


@pytest.mark.parametrize(
    "frame",
    [b"", b"\x0b\x77\0\0", b"ID3" + bytes(9), syncframe(stream_type=1), syncframe() + b"\x0b\x77"],
)
def test_what_is_no_frame_is_refused(frame: bytes) -> None:
    with pytest.raises(MediaError):
        count_eac3_samples(frame)


def test_a_frame_of_endless_syncframes_is_refused_soon() -> None:
    with pytest.raises(MediaError, match="64 syncframes"):
        count_eac3_samples(syncframe(6) * 100_000)


@pytest.mark.parametrize(
    "frame",
    [
        syncframe() + syncframe(stream_type=1),
        syncframe() + syncframe(number=1),
        syncframe(rate=3, blocks=0),
        b"\x0b\x77\0\0\x14\x40\x40\0",  # AC-3
    ],
)
def test_what_a_record_of_one_substream_cannot_say_is_refused(frame: bytes) -> None:
    with pytest.raises(MediaError):
        build_dec3(frame)


@pytest.mark.parametrize("frame", [syncframe(), b"\x0b\x77\0\0\x14\x50\x40\0"])
def test_what_is_no_usual_ac3_is_refused(frame: bytes) -> None:
    with pytest.raises(MediaError):
        build_dac3(frame)


@given(st.binary(max_size=60), st.sampled_from([b"", b"\x0b\x77", syncframe(), syncframe(6)]))
def test_any_bytes_are_a_frame_or_refused(data: bytes, head: bytes) -> None:
    for read in (build_dac3, build_dec3, count_eac3_samples):
        try:
            read(head + data)
        except MediaError:
            continue
