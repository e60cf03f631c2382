"""The pace: at once while rounds are cheap, with the pictures when they are not."""

from __future__ import annotations

import pytest

from slipstream.net.pace import Pace


@pytest.mark.parametrize(
    ("cost_s", "interval_s"),
    [(0.0, 0.0), (0.00001, 0.0002), (0.0025, 0.025), (0.006, 0.025), (0.02, 0.08), (0.5, 0.35)],
)
def test_rounds_come_less_often_as_they_get_dear(cost_s: float, interval_s: float) -> None:
    pace = Pace()
    pace.adapt(cost_s)
    assert pace.interval_s == pytest.approx(interval_s)


def test_a_frame_leaves_at_once_while_rounds_cost_nothing() -> None:
    pace = Pace()
    assert pace.due(since=10.0, now=10.001, picture=False) == 10.001


def test_a_picture_leaves_when_it_comes_and_sound_waits_for_it() -> None:
    pace = Pace()
    pace.adapt(0.003)
    assert pace.due(since=10.0, now=10.010, picture=False) == pytest.approx(10.055)
    assert pace.due(since=10.0, now=10.033, picture=True) == 10.033


def test_two_pictures_that_come_close_together_leave_together() -> None:
    pace = Pace()
    pace.adapt(0.003)
    assert pace.due(since=10.0, now=10.016, picture=True) == pytest.approx(10.025)


def test_sound_without_pictures_does_not_wait_for_ever() -> None:
    pace = Pace()
    pace.adapt(0.003)
    assert pace.due(since=10.0, now=20.0, picture=False) == pytest.approx(20.045)


def test_a_held_pace_neither_adapts_nor_waits_for_pictures() -> None:
    pace = Pace(0.1)
    pace.adapt(5.0)
    assert pace.due(since=10.0, now=10.02, picture=False) == pytest.approx(10.1)
    assert pace.due(since=10.0, now=10.02, picture=True) == pytest.approx(10.1)


def test_even_at_once_the_rest_of_the_worker_gets_its_turn() -> None:
    pace = Pace(0)
    pace.adapt(0.001)
    assert pace.interval_s == pytest.approx(0.002)
    pace.adapt(0.1)
    assert pace.interval_s == pytest.approx(0.005)


def test_it_is_held_from_one_round_to_the_next_and_let_go_again() -> None:
    pace = Pace()
    pace.adapt(0.02)
    pace.hold(0.1)
    pace.adapt(0.02)
    assert pace.due(since=10.0, now=10.0, picture=True) == pytest.approx(10.1)
    pace.hold(None)
    assert pace.due(since=10.0, now=10.0, picture=True) == 10.0
    pace.adapt(0.02)
    pace.hold(None)  # nothing changes: what it has learnt stays
    assert pace.interval_s == pytest.approx(0.08)
