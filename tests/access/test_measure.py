"""Policy, measured: what is too much, when, and how often it is said."""

from __future__ import annotations

from slipstream.access import Excess, Measure, Policy
from slipstream.access.measure import LimitName

KBPS = 125  # bytes a second


def measure(**limits: int) -> Measure:
    return Measure(lambda: Policy(**limits), 0.0)


def feed(one: Measure, kbps: int, since: float, until: float) -> list[tuple[float, LimitName]]:
    """Send at a rate in reads of 100 ms; return what was too much, and when."""
    found, now = [], since
    while now < until:
        now = round(now + 0.1, 1)
        excess = one.receive(kbps * KBPS // 10, now)
        if excess is not None:
            found.append((now, excess.limit))
    return found


def test_four_times_the_bitrate_is_found_within_two_seconds() -> None:
    ((at, limit),) = feed(measure(max_kbps=1000), 4000, 0.0, 20.0)
    assert limit is LimitName.BITRATE
    assert 1.0 < at < 2.0


def test_a_tenth_too_much_is_found_and_just_enough_is_not() -> None:
    assert feed(measure(max_kbps=1000), 1100, 0.0, 20.0)
    assert not feed(measure(max_kbps=1000), 1000, 0.0, 60.0)


def test_a_burst_is_not_a_bitrate() -> None:
    one = measure(max_kbps=1000)
    assert one.receive(600 * 1000, 0.1) is None  # a keyframe of 4.8 Mbit
    assert not feed(one, 0, 0.1, 10.0)
    assert one.receive(600 * 1000, 10.1) is None


def test_too_much_is_said_once_until_it_was_kept_for_a_window() -> None:
    one = measure(max_kbps=1000)
    assert len(feed(one, 4000, 0.0, 20.0)) == 1
    assert not feed(one, 500, 20.0, 30.0)
    assert len(feed(one, 4000, 30.0, 40.0)) == 1


def test_silence_is_no_bitrate() -> None:
    one = measure(max_kbps=1000)
    one.receive(600 * 1000, 0.5)
    assert one.receive(600 * 1000, 3600.0) is None


def test_duration() -> None:
    one = measure(max_s=10)
    assert one.receive(1, 9.9) is None
    excess = one.receive(1, 10.0)
    assert excess is not None
    assert excess.limit is LimitName.DURATION


def test_the_size_of_the_picture() -> None:
    one = measure(max_width=1280, max_height=720)
    assert one.picture(1280, 720) is None
    excess = one.picture(1920, 1080)
    assert excess is not None
    assert "1920x1080, limit 1280x720" in excess.reason
    assert one.picture(1920, 1080) is None
    assert measure(max_height=720).picture(5000, 720) is None
    assert measure(max_height=720).picture(10, 721) is not None


def test_what_is_announced_counts_as_well() -> None:
    assert measure(max_kbps=1000).announce(1000) is None
    assert measure(max_kbps=1000).announce(4000) is not None
    assert measure(max_kbps=1000).announce(float("nan")) is None
    assert measure().announce(4000) is None


def test_changed_settings_hold_a_second_later() -> None:
    limits = [Policy()]
    one = Measure(lambda: limits[0], 0.0)
    assert not feed(one, 4000, 0.0, 5.0)
    limits[0] = Policy(max_kbps=1000)
    assert feed(one, 4000, 5.0, 7.0)


def test_of_two_policies_the_tighter_limits_hold() -> None:
    own = Policy(max_kbps=1000, max_width=1920, excess=Excess.WARN)
    both = own.within(Policy(max_kbps=2000, max_width=1280, max_s=60, excess=Excess.CUT))
    assert both == Policy(max_kbps=1000, max_width=1280, max_s=60, excess=Excess.WARN)
    assert Policy(max_s=1).within(Policy(excess=Excess.REFUSE)).excess is Excess.REFUSE
    assert Policy(excess=Excess.CUT).is_empty
    assert not both.is_empty
