"""Figures as people read them."""

from __future__ import annotations

import pytest

from slipstream.media import Codec, CodecInfo
from slipstream.tools.wording import (
    codec_name,
    codec_words,
    count_words,
    rate_words,
    shape_words,
    size_words,
    time_words,
    url_words,
)


@pytest.mark.parametrize(
    ("bits_per_s", "words"),
    [
        (0, "0 kbit/s"),
        (96_400, "96 kbit/s"),
        (999_499, "999 kbit/s"),
        (999_500, "1.00 Mbit/s"),
        (4_250_000, "4.25 Mbit/s"),
    ],
)
def test_bitrates_have_three_figures(bits_per_s: float, words: str) -> None:
    assert rate_words(bits_per_s) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(12, "0 kB"), (1_500, "2 kB"), (1_500_000, "1.5 MB"), (2 * 10**9, "2.00 GB")],
)
def test_sizes_have_a_unit(size: int, words: str) -> None:
    assert size_words(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0:00:00"),
        (59.4, "0:00:59"),
        (59.9, "0:01:00"),
        (3_661, "1:01:01"),
        (360_000, "100:00:00"),
    ],
)
def test_times_count_hours(seconds: float, words: str) -> None:
    assert time_words(seconds) == words


def test_counts_are_words() -> None:
    assert [count_words(n, "gap") for n in (0, 1, 2)] == ["no gaps", "1 gap", "2 gaps"]


def test_keys_are_not_shown() -> None:
    assert url_words(" rtmp://h/live/a?key=secret ") == "rtmp://h/live/a"


def test_a_codec_is_told_with_what_is_known_of_it() -> None:
    video = CodecInfo(Codec.H264, profile="High", level="4.0", width=1920, height=1080, bit_depth=8)
    assert (codec_words(video), shape_words(video)) == ("H.264 High 4.0", "1920x1080")
    deep = CodecInfo(Codec.H265, width=64, height=48, bit_depth=10)
    assert (codec_words(deep), shape_words(deep)) == ("H.265", "64x48, 10 bit")
    audio = CodecInfo(Codec.AAC, sample_rate=48_000, channels=6)
    assert (codec_words(audio), shape_words(audio)) == ("AAC", "48000 Hz 6 channels")
    assert shape_words(CodecInfo(Codec.AAC, sample_rate=44_100)) == "44100 Hz"
    assert (codec_words(CodecInfo(Codec.UNKNOWN)), shape_words(CodecInfo(Codec.UNKNOWN))) == (
        "unknown",
        "",
    )


def test_every_codec_has_a_name() -> None:
    for codec in Codec:
        assert codec_name(codec)
