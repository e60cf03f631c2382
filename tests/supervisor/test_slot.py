from __future__ import annotations

from slipstream.supervisor.slot import LONG_LIFE_S, SHORT_LIFE_S, Slot

NOW = 1000.0


def waits(slot: Slot, *lives_s: float) -> list[float]:
    """How long the slot stays empty after each of these lives."""
    found = []
    for lived_s in lives_s:
        slot.vacated(lived_s, NOW)
        found.append(round(slot.due - NOW, 3))
    return found


def test_a_new_slot_is_to_be_filled_at_once() -> None:
    assert Slot(0).due <= NOW
    assert not Slot(0).worker


def test_whoever_has_lived_is_replaced_at_once() -> None:
    assert waits(Slot(0), *[SHORT_LIFE_S] * 20) == [0.0] * 20


def test_short_lives_in_a_row_are_followed_by_longer_and_longer_waits() -> None:
    assert waits(Slot(0), *[1.0] * 9) == [0, 0, 0.1, 0.2, 0.5, 1, 2, 2, 2]


def test_a_long_life_makes_up_for_all_before() -> None:
    slot = Slot(0)
    waits(slot, *[1.0] * 9)
    assert waits(slot, LONG_LIFE_S, 1.0, 1.0, 1.0) == [0, 0, 0, 0.1]


def test_a_middling_life_neither_counts_nor_makes_up_for_anything() -> None:
    slot = Slot(0)
    assert waits(slot, 1.0, 1.0, 1.0, SHORT_LIFE_S, 1.0) == [0, 0, 0.1, 0, 0.2]


def test_a_slot_whose_worker_has_died_is_empty() -> None:
    slot = Slot(3)
    slot.worker = 17
    slot.vacated(99.0, NOW)
    assert not slot.worker
    assert slot.index == 3
