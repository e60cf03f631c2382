"""The score of a viewer: what it loses points for, and what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.net.quality import WEIGHTS, Facts, score

PERFECT = Facts(missed=0.0, jumps=0.0, lag=0.0, startup_s=0.0, retransmitted=0.0)
SHARES = st.none() | st.floats(0, 100)
FACTS = st.builds(
    Facts, missed=SHARES, jumps=SHARES, lag=SHARES, startup_s=SHARES, retransmitted=SHARES
)


def test_who_misses_nothing_has_a_hundred() -> None:
    assert score(PERFECT) == 100


def test_the_weights_are_a_hundred_points() -> None:
    assert sum(weight.points for weight in WEIGHTS) == 100


def test_nothing_known_is_no_score() -> None:
    assert score(Facts()) is None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (PERFECT._replace(missed=0.1), 80),
        (PERFECT._replace(missed=0.2), 60),
        (PERFECT._replace(missed=0.9), 60),
        (PERFECT._replace(jumps=1.0), 95),
        (PERFECT._replace(lag=0.25), 100),
        (PERFECT._replace(lag=1.0), 75),
        (PERFECT._replace(startup_s=0.5), 100),
        (PERFECT._replace(startup_s=2.75), 92),
        (PERFECT._replace(retransmitted=0.05), 90),
        (Facts(missed=1.0, jumps=9.0, lag=2.0, startup_s=30.0, retransmitted=1.0), 0),
        (Facts(jumps=0.0, startup_s=5.0), 40),  # of 25 points that can be judged, 10
    ],
)
def test_what_is_worse_costs_its_points(facts: Facts, expected: int) -> None:
    assert score(facts) == expected


@given(FACTS, st.integers(0, 4), st.floats(0, 10))
def test_it_is_within_its_bounds_and_worse_is_never_better(
    facts: Facts, which: int, by: float
) -> None:
    before = score(facts)
    assert before is None or 0 <= before <= 100
    value = facts[which]
    if before is not None and value is not None:
        worse = Facts._make([*facts[:which], value + by, *facts[which + 1 :]])
        after = score(worse)
        assert after is not None
        assert after <= before
