"""Acknowledger: often enough for senders that wait, never so often that it costs."""

from __future__ import annotations

import pytest

from slipstream.rtmp.acknowledgement import DEFAULT_INTERVAL, MIN_INTERVAL, Acknowledger


def test_without_a_window_every_megabyte_and_a_quarter() -> None:
    acknowledger = Acknowledger()
    assert not acknowledger.is_due(DEFAULT_INTERVAL - 1)
    assert acknowledger.is_due(DEFAULT_INTERVAL)
    assert not acknowledger.is_due(2 * DEFAULT_INTERVAL - 1)
    assert acknowledger.is_due(2 * DEFAULT_INTERVAL)


def test_twice_in_every_window() -> None:
    acknowledger = Acknowledger()
    acknowledger.use_window(2_500_000)
    assert not acknowledger.is_due(1_249_999)
    assert acknowledger.is_due(1_250_000)


@pytest.mark.parametrize("window", [0, 1, 2 * MIN_INTERVAL])
def test_small_windows_do_not_make_us_answer_every_read(window: int) -> None:
    acknowledger = Acknowledger()
    acknowledger.use_window(window)
    assert not acknowledger.is_due(MIN_INTERVAL - 1)
    assert acknowledger.is_due(MIN_INTERVAL)


def test_a_long_read_is_acknowledged_once() -> None:
    acknowledger = Acknowledger()
    assert acknowledger.is_due(10 * DEFAULT_INTERVAL)
    assert not acknowledger.is_due(10 * DEFAULT_INTERVAL + 1)
