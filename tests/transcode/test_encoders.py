"""What each encoder is told: keyframes often enough, rates and layouts that it can do."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from slipstream.media import Codec
from slipstream.transcode.encoders import MAX_BITS_PER_S, SOUND_ENCODERS, bits_per_s, gop
from slipstream.transcode.shape import SoundShape
from tests.transcode.stage import SMALL


@pytest.mark.parametrize(
    ("rate", "pictures"),
    [(Fraction(25), 50), (Fraction(30_000, 1001), 59), (Fraction(1), 2), (Fraction(120), 240)],
)
def test_there_is_a_keyframe_every_two_seconds_at_most(rate: Fraction, pictures: int) -> None:
    assert gop(replace(SMALL, rate=rate)) == pictures
    assert pictures / rate <= 2


def test_bits_go_with_the_size_up_to_a_limit() -> None:
    assert bits_per_s(SMALL) == 128 * 96 * 25 // 10
    assert bits_per_s(replace(SMALL, width=1920, height=1080)) == MAX_BITS_PER_S


@pytest.mark.parametrize(
    ("codec", "wanted", "rate"),
    [
        (Codec.AAC, 44_100, 44_100),
        (Codec.AAC, 8_000, 8_000),
        (Codec.AAC, 30_000, 32_000),
        (Codec.MP3, 48_000, 44_100),
        (Codec.MP3, 16_000, 22_050),
        (Codec.OPUS, 44_100, 48_000),
        (Codec.AC3, 96_000, 48_000),
    ],
)
def test_sample_rates_become_the_nearest_above(codec: Codec, wanted: int, rate: int) -> None:
    assert SOUND_ENCODERS[codec].sample_rate(SoundShape(codec, wanted, 2)) == rate


@pytest.mark.parametrize(
    ("codec", "channels", "layout"),
    [
        (Codec.AAC, 1, "mono"),
        (Codec.AAC, 2, "stereo"),
        (Codec.AAC, 6, "5.1"),
        (Codec.AAC, 4, "stereo"),
        (Codec.MP3, 6, "stereo"),
        (Codec.AC3, 6, "5.1"),
    ],
)
def test_channels_that_it_does_not_do_become_stereo(
    codec: Codec, channels: int, layout: str
) -> None:
    assert SOUND_ENCODERS[codec].layout(SoundShape(codec, 48_000, channels)) == layout
