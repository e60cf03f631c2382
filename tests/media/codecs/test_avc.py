"""avcC and SPS of real encoders; FFmpeg's are in test_description too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.avc import AvcConfig, AvcSps, parse_avc_config, parse_avc_sps

# libx264, Main profile, 160x128 at 10 pictures per second.
SPS = bytes.fromhex("674d400aeca142342000000300200000030281e244b2c0")
PPS = bytes.fromhex("68ce0fc8")
RECORD = bytes.fromhex("014d400aff e1 0017") + SPS + bytes.fromhex("01 0004") + PPS


def test_a_record_of_x264() -> None:
    config = parse_avc_config(RECORD)
    assert config == AvcConfig(77, 0x40, 10, 4, (SPS,), (PPS,))
    assert (config.codec_string, config.profile_name) == ("avc1.4d400a", "Main")
    assert parse_avc_sps(SPS) == AvcSps(160, 128, 8, 10.0)


def test_a_parameter_set_of_full_hd() -> None:
    """x264, High: 1088 lines are coded and 8 cut off."""
    unit = bytes.fromhex("67640028acd940780227e5c044000003000400000300f03c60c658")
    assert parse_avc_sps(unit) == AvcSps(1920, 1080, 8, 30.0)


def golomb(*numbers: int) -> str:
    """The bits of ue(v), one after the other."""
    return "".join(f"{n + 1:b}".zfill(2 * (n + 1).bit_length() - 1) for n in numbers)


def unit(bits: str) -> bytes:
    """A sequence parameter set of the Baseline profile, the bits behind its identification."""
    bits = golomb(0) + bits + "1"
    bits += "0" * (-len(bits) % 8)
    return bytes.fromhex("6742001e") + int(bits, 2).to_bytes(len(bits) // 8)


SIZE = golomb(1) + "0" + golomb(39, 22) + "1" + "1"  # 640x368, whole frames


def test_an_order_of_pictures_that_repeats_itself() -> None:
    cycle = golomb(0, 1) + "1" + golomb(2, 4) + golomb(3) + golomb(1, 2, 3)
    sps = unit(cycle + SIZE + "1" + golomb(0, 0, 0, 4) + "0")
    assert parse_avc_sps(sps) == AvcSps(640, 360, 8, None)


def test_scaling_lists_are_passed() -> None:
    """High 4:4:4 has twelve; a list of which the next scale is 0 ends early (§7.3.2.1.1.1)."""
    ends_early, whole = "1" + golomb(16), "1" + golomb(*(1, 2) * 8)
    lists = ends_early + whole + "0" * 4 + "1" + golomb(*(1, 2) * 32) + "0" * 5
    chroma = golomb(0, 3) + "0" + golomb(2, 2) + "0" + "1" + lists
    bits = chroma + golomb(0, 0, 0) + golomb(1) + "0" + golomb(39, 22) + "1" + "1" + "0" + "0" + "1"
    bits += "0" * (-len(bits) % 8)
    sps = bytes.fromhex("67f4001e") + int(bits, 2).to_bytes(len(bits) // 8)
    assert parse_avc_sps(sps) == AvcSps(640, 368, 10, None)


def test_usability_information_may_hold_everything_or_nothing() -> None:
    display = "1" + "11111111" + "01" * 16 + "11" + "1" + "1011" + "1" + "01" * 12
    display += "1" + golomb(0, 0)
    timing = "1" + f"{1001:032b}" + f"{60000:032b}"
    picture = golomb(0, 0, 0) + SIZE + "0" + "1"
    assert parse_avc_sps(unit(picture + display + timing)).frame_rate == 30000 / 1001
    assert parse_avc_sps(unit(picture + "0000" + "0")).frame_rate is None
    assert parse_avc_sps(unit(picture + "0000" + "1" + "01" * 16 + "0" * 32)).frame_rate is None


def test_more_cut_off_than_there_is_is_refused() -> None:
    with pytest.raises(MediaError, match=r"H.264 picture of -160x368"):
        parse_avc_sps(unit(golomb(0, 0, 0) + SIZE + "1" + golomb(200, 200, 0, 0) + "0"))


def test_a_record_may_lack_its_end() -> None:
    without_pps = RECORD[: 8 + len(SPS)]
    assert parse_avc_config(without_pps).pps == ()
    assert parse_avc_config(without_pps[:5] + b"\xe0").sps == ()


def test_what_follows_the_sets_is_not_needed() -> None:
    assert parse_avc_config(RECORD + b"\xfd\xf8\xf8\x00") == parse_avc_config(RECORD)


@pytest.mark.parametrize("record", ["", "01", "014d400aff", "004d400affe0", "014d400affe1001767"])
def test_what_is_no_record_is_refused(record: str) -> None:
    with pytest.raises(MediaError):
        parse_avc_config(bytes.fromhex(record))


@pytest.mark.parametrize("size", range(1, 12))
def test_a_parameter_set_cut_off_is_refused(size: int) -> None:
    with pytest.raises(MediaError):
        parse_avc_sps(SPS[:size])


def test_impossible_pictures_are_refused() -> None:
    with pytest.raises(MediaError, match="width in macroblocks 131072, limit 4096"):
        parse_avc_sps(bytes.fromhex("67420000 f8 0001 0000 8000 0000"))


@given(st.binary(max_size=80), st.sampled_from([b"", RECORD[:8], RECORD[:30]]))
def test_any_bytes_are_a_record_or_refused(data: bytes, head: bytes) -> None:
    try:
        config = parse_avc_config(head + data)
    except MediaError:
        return
    assert sum(map(len, config.sps + config.pps)) <= len(head + data)


@given(st.binary(max_size=80), st.integers(0, len(SPS)))
def test_any_bytes_are_a_parameter_set_or_refused(data: bytes, cut: int) -> None:
    try:
        sps = parse_avc_sps(SPS[:cut] + data)
    except MediaError:
        return
    assert 0 < sps.width <= 1 << 17
    assert 0 < sps.height <= 1 << 17
