"""What clients announce beyond RTMP 1.0."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.amf import Value
from slipstream.rtmp.capabilities import (
    FORWARDS_EVERYTHING,
    NOTHING_ENHANCED,
    Ability,
    CapsEx,
    EnhancedCapabilities,
    build_capabilities,
    parse_capabilities,
)


def test_all_of_it_is_read() -> None:
    properties: dict[str, Value] = {
        "app": "live",
        "fourCcList": ["hvc1", "Opus"],
        "videoFourCcInfoMap": {"*": 4.0, "hvc1": 3.0},
        "audioFourCcInfoMap": {"Opus": 1.0},
        "capsEx": 3.0,
    }
    assert parse_capabilities(properties) == EnhancedCapabilities(
        ("hvc1", "Opus"),
        {"*": Ability.FORWARD, "hvc1": Ability.DECODE | Ability.ENCODE},
        {"Opus": Ability.DECODE},
        CapsEx.RECONNECT | CapsEx.MULTITRACK,
    )


def test_single_bits_are_named() -> None:
    assert parse_capabilities({"capsEx": 1.0}).reconnect
    assert not parse_capabilities({"capsEx": 1.0}).multitrack
    assert parse_capabilities({"capsEx": 2.0}).multitrack


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"fourCcList": "hvc1", "capsEx": "many", "videoFourCcInfoMap": ["hvc1"]},
        {"fourCcList": [1.0, None], "capsEx": None, "audioFourCcInfoMap": None},
        {"capsEx": float("nan")},
    ],
)
def test_nothing_and_nonsense_are_the_same_nothing(properties: dict[str, Value]) -> None:
    assert parse_capabilities(properties) is NOTHING_ENHANCED
    assert not NOTHING_ENHANCED.announced


@given(st.floats() | st.integers() | st.text())
def test_any_number_of_bits_is_read(value: float | int | str) -> None:
    read = parse_capabilities({"capsEx": value, "videoFourCcInfoMap": {"av01": value}})
    assert 0 <= read.caps_ex <= 15


def test_what_is_announced_reads_back() -> None:
    announced = build_capabilities(FORWARDS_EVERYTHING)
    assert announced == {
        "fourCcList": ["*"],
        "videoFourCcInfoMap": {"*": 4},
        "audioFourCcInfoMap": {"*": 4},
        "capsEx": 15,
    }
    assert parse_capabilities(announced) == FORWARDS_EVERYTHING
    assert build_capabilities(NOTHING_ENHANCED) == {}
