"""Sequence parameter sets of H.265: libx265's, one with everything, then any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.errors import MediaError
from slipstream.media.codecs.hevc import parse_hevc_config
from slipstream.media.codecs.hevc_sps import HevcSps, parse_hevc_sps
from slipstream.media.frame import Kind
from slipstream.media.payload import config_data
from tests.media.ffmpeg import encode_video


def unsigned(number: int) -> str:
    """The bits of ue(v), made by other means than ours reads them."""
    binary = f"{number + 1:b}"
    return "0" * (len(binary) - 1) + binary


def signed(number: int) -> str:
    return unsigned(2 * number - 1 if number > 0 else -2 * number)


def unit(bits: str) -> bytes:
    """A NAL unit of type 33, without emulation prevention."""
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    return b"\x42\x01" + int(bits, 2).to_bytes(len(bits) // 8)


PROFILE = "00000001" + "01" + "1" * 30 + "1001" + "1" * 44 + "01011101"  # no long runs of zeros
VUI = "1" + "11111111" + "01" * 16 + "11" + "1" + "1011" + "1" + "01" * 12
VUI += "1" + unsigned(0) * 2 + "000" + "1" + unsigned(1) * 4
TIMING = "1" + f"{1001:032b}" + f"{60000:032b}"


def sps_with_everything() -> bytes:
    """Sub-layers, 4:4:4, a window, scaling lists, PCM, predicted and long-term references."""
    sub_layers = "11" + "01" + "00" * 6 + "1" * 88 + "10101010" + "01010101"
    bits = "0000" + "010" + "1" + PROFILE + sub_layers
    bits += unsigned(0) + unsigned(3) + "0" + unsigned(645) + unsigned(367)
    bits += "1" + unsigned(1) + unsigned(4) + unsigned(3) + unsigned(4)
    bits += unsigned(2) + unsigned(2) + unsigned(4)
    bits += "1" + (unsigned(4) + unsigned(2) + unsigned(0)) * 3
    bits += unsigned(0) + unsigned(3) + unsigned(0) + unsigned(3) + unsigned(1) * 2
    bits += "1" + "1" + scaling_lists()
    bits += "11" + "1" + "01110111" + unsigned(0) * 2 + "0"
    bits += references()
    bits += "1" + unsigned(2) + ("0" * 8 + "1") * 2
    return unit(bits + "11" + "1" + VUI + TIMING)


def scaling_lists() -> str:
    bits = ""
    for size, count in enumerate((6, 6, 6, 2)):
        bits += "0" + unsigned(0)
        for _ in range(count - 1):
            bits += "1" + (signed(-3) if size > 1 else "")
            bits += (signed(1) + signed(-1)) * (min(64, 16 << 2 * size) // 2)
    return bits


def references() -> str:
    bits = unsigned(4)
    # -1, -3 before and +2 behind; then two sets shifted by -1: the second loses a picture.
    bits += unsigned(2) + unsigned(1) + unsigned(0) + "1" + unsigned(1) + "1" + unsigned(1) + "1"
    bits += "1" + "1" + unsigned(0) + "1" + "01" + "1" + "1"  # -2, -4, +1, and -1
    bits += "1" + "1" + unsigned(0) + "1" + "00" + "1" + "1" + "1"  # of 4 and its own: 5 answers
    bits += "0" + unsigned(0) + unsigned(0)
    return bits


def test_everything_before_the_frame_rate_is_passed() -> None:
    assert parse_hevc_sps(sps_with_everything()) == HevcSps(640, 360, 10, 60000 / 1001)


@pytest.mark.parametrize(
    "params",
    [
        "",
        ":ref=5:bframes=4:b-pyramid=1",
        ":scaling-list=default:temporal-layers=2",
        ":bframes=0:ref=3:interlace=tff",
        ":no-info=1:sar=2:videoformat=pal:overscan=show",
    ],
)
def test_sets_of_x265(params: str) -> None:
    encoded = encode_video("libx265", rate=50, options={"x265-params": "log-level=none" + params})
    record = parse_hevc_config(config_data(encoded.config(Kind.VIDEO)))
    assert parse_hevc_sps(record.sps[0]) == HevcSps(160, 120, 8, 50.0)


def test_impossible_numbers_are_refused() -> None:
    head = "0000" + "000" + "1" + PROFILE + unsigned(0) + unsigned(1)
    for bits, message in [
        (head + unsigned(1 << 17), "H.265 width 131072, limit 65536"),
        (head + unsigned(0) + unsigned(8) + "0", "H.265 picture of 0x8"),
        (head + unsigned(8) * 2 + "1" + unsigned(9) * 4, "H.265 picture of -28x-28"),
        ("0000" + "000" + "1" + PROFILE + unsigned(0) + unsigned(4), "chroma format 4"),
    ]:
        with pytest.raises(MediaError, match=message):
            parse_hevc_sps(unit(bits))


def test_reference_sets_do_not_grow_without_end() -> None:
    """Each predicted set may have one picture more than the one before."""
    bits = "0000" + "000" + "1" + PROFILE + unsigned(0) + unsigned(1) + unsigned(8) * 2 + "0"
    bits += unsigned(0) * 3 + "1" + unsigned(0) * 3 + unsigned(0) * 6 + "0" + "00" + "0"
    bits += unsigned(64) + unsigned(16) + unsigned(0) + (unsigned(0) + "1") * 16
    bits += ("1" + "1" + unsigned(0) + "1" * 80) * 3
    with pytest.raises(MediaError, match="17 reference pictures, limit 16"):
        parse_hevc_sps(unit(bits))


WHOLE = sps_with_everything()


@pytest.mark.parametrize("size", range(0, len(WHOLE) - 2, 7))
def test_a_set_cut_off_is_refused(size: int) -> None:
    with pytest.raises(MediaError):
        parse_hevc_sps(WHOLE[:size])


@given(st.binary(max_size=80), st.integers(0, len(WHOLE)))
def test_any_bytes_are_a_set_or_refused(data: bytes, cut: int) -> None:
    try:
        sps = parse_hevc_sps(WHOLE[:cut] + data)
    except MediaError:
        return
    assert 0 < sps.width <= 1 << 16
    assert 0 < sps.height <= 1 << 16
