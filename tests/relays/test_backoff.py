"""Pauses between tries: longer and longer, never all the same, short again after success."""

from __future__ import annotations

from slipstream.relays.backoff import FIRST_S, SETTLED_S, Backoff


def test_pauses_double_up_to_the_limit() -> None:
    backoff = Backoff()
    pauses = [backoff.pause_s(0, 3, chance=1) for _ in range(5)]
    assert pauses == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 3, 3]


def test_chance_halves_them_at_most() -> None:
    assert Backoff().pause_s(0, 30, chance=0) == FIRST_S / 2


def test_what_went_well_for_long_begins_anew() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.pause_s(SETTLED_S - 1, 30, chance=1)
    assert backoff.pause_s(SETTLED_S, 30, chance=1) == FIRST_S


def test_failures_without_end_are_no_trouble() -> None:
    backoff = Backoff()
    assert {backoff.pause_s(0, 30, chance=1) for _ in range(2_000)} >= {FIRST_S, 30}
