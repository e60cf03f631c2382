"""Seats of a stream: a player takes one, in however many workers it sits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slipstream.workers.seats import NAMELESS, Seats

WORKERS = st.integers(1, 3)
PLAYERS = st.sampled_from([NAMELESS, "one", "two"])


def test_a_player_takes_no_further_seat_until_it_has_left_everywhere() -> None:
    seats = Seats()
    assert seats.take(1, "one", 1)
    assert seats.take(2, "one", 1)
    assert not seats.take(2, "two", 1)
    seats.leave(1, "one")
    assert not seats.take(2, "two", 1)
    seats.leave(2, "one")
    assert not seats
    assert seats.take(2, "two", 1)


def test_viewers_without_a_name_have_a_seat_each() -> None:
    seats = Seats()
    assert [seats.take(1, NAMELESS, 2) for _ in range(3)] == [True, True, False]
    assert seats.total() == 2


def test_what_a_worker_tells_takes_the_place_of_what_was_known() -> None:
    seats = Seats()
    seats.take(1, "one", 9)
    seats.replace(1, {NAMELESS: 2, "two": 1})
    seats.replace(2, {"two": 1})
    assert seats.total() == 3


@given(st.lists(st.tuples(WORKERS, PLAYERS, st.booleans())))
def test_whatever_happens_the_seats_are_those_who_sit(
    steps: list[tuple[int, str, bool]],
) -> None:
    seats, sitting = Seats(), []
    for worker, player, comes in steps:
        if comes and seats.take(worker, player, 5):
            sitting.append((worker, player))
        elif not comes:
            seats.leave(worker, player)
            if (worker, player) in sitting:
                sitting.remove((worker, player))
        players = [player for _, player in sitting]
        assert seats.total() == players.count(NAMELESS) + len(set(players) - {NAMELESS}) <= 5
    for worker in (1, 2, 3):
        seats.clear(worker)
    assert not seats
