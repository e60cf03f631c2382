"""AudioSpecificConfigs as encoders write them, HE-AAC in all its forms."""

from __future__ import annotations

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.aac import AacConfig, parse_aac_config

ODD_RATE = "1780560c08"  # 44056 Hz, which FFmpeg does not take
CONFIGS = [
    ("1210", AacConfig(2, 44100, 2, None, None, None, 1024), "LC", "mp4a.40.2"),
    ("1190", AacConfig(2, 48000, 2, None, None, None, 1024), "LC", "mp4a.40.2"),
    ("119056e500", AacConfig(2, 48000, 2, False, None, None, 1024), "LC", "mp4a.40.2"),  # FFmpeg
    ("0a10", AacConfig(1, 44100, 2, None, None, None, 1024), "Main", "mp4a.40.1"),
    ("1194", AacConfig(2, 48000, 2, None, None, None, 960), "LC", "mp4a.40.2"),
    ("11b8", AacConfig(2, 48000, 8, None, None, None, 1024), "LC", "mp4a.40.2"),  # 7.1
    # HE-AAC named as such, as fdk-aac does: 22.05 kHz and twice that with SBR.
    ("2b920800", AacConfig(2, 22050, 2, True, None, 44100, 1024), "HE-AAC", "mp4a.40.5"),
    ("eb8a0800", AacConfig(2, 22050, 1, True, True, 44100, 1024), "HE-AACv2", "mp4a.40.29"),
    # The same where old decoders do not look.
    ("139056e5a0", AacConfig(2, 22050, 2, True, None, 44100, 1024), "HE-AAC", "mp4a.40.5"),
    ("138856e5a54880", AacConfig(2, 22050, 1, True, True, 44100, 1024), "HE-AACv2", "mp4a.40.29"),
    ("138856e5a54800", AacConfig(2, 22050, 1, True, False, 44100, 1024), "HE-AAC", "mp4a.40.5"),
    (ODD_RATE, AacConfig(2, 44056, 1, None, None, None, 1024), "LC", "mp4a.40.2"),
    ("b98c00", AacConfig(23, 48000, 1, None, None, None, 480), "LD", "mp4a.40.23"),
    ("f8e62000", AacConfig(39, 48000, 1, None, None, None, 512), "ELD", "mp4a.40.39"),
]
# A core coder's delay, an extension flag, and a tail that announces something else than SBR.
RARE = "11930000 80"
OTHER_TAIL = "119056e200"
LISTED = "118004c8050001088000"


@pytest.mark.parametrize(("data", "config", "name", "codec_string"), CONFIGS)
def test_configurations(data: str, config: AacConfig, name: str, codec_string: str) -> None:
    actual = parse_aac_config(bytes.fromhex(data))
    assert actual == config
    assert (actual.profile_name, actual.codec_string) == (name, codec_string)


def test_a_decoder_gives_out_more_than_is_coded() -> None:
    config = parse_aac_config(bytes.fromhex("eb8a0800"))
    assert (config.core_rate, config.channels) == (22050, 1)
    assert (config.sample_rate, config.output_channels) == (44100, 2)


def test_channels_may_be_listed_one_by_one() -> None:
    """Configuration 0: a centre, two pairs and one for low frequencies (§4.4.1.1)."""
    config = parse_aac_config(bytes.fromhex(LISTED))
    assert config == AacConfig(2, 48000, 6, None, None, None, 1024)


@pytest.mark.parametrize(
    "data", [*(row[0] for row in CONFIGS if row[1].core_rate != 44056), LISTED]
)
def test_ffmpeg_counts_the_same_channels(data: str) -> None:
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = bytes.fromhex(data)
    decoder.open()
    assert decoder.layout.nb_channels == parse_aac_config(bytes.fromhex(data)).output_channels


def test_rare_fields_are_passed() -> None:
    expected = AacConfig(2, 48000, 2, None, None, None, 1024)
    assert parse_aac_config(bytes.fromhex(RARE)) == expected
    assert parse_aac_config(bytes.fromhex(OTHER_TAIL)) == expected
    scalable = AacConfig(6, 48000, 2, None, None, None, 1024)
    assert parse_aac_config(bytes.fromhex("319000")) == scalable


@pytest.mark.parametrize("data", ["", "12", "1680", "1780", "1783 00", "ff", "1180"])
def test_what_is_no_configuration_is_refused(data: str) -> None:
    with pytest.raises(MediaError):
        parse_aac_config(bytes.fromhex(data))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_configuration_or_refused(data: bytes) -> None:
    try:
        config = parse_aac_config(data)
    except MediaError:
        return
    assert config.sample_rate > 0
    assert config.codec_string.startswith("mp4a.40.")
