from collections.abc import Iterator

from slipstream.hooks.lanes import MAX_WAIT_S, PER_URL, Lanes
from slipstream.hooks.outbox import Entry


def lanes() -> Lanes:
    return Lanes(lambda entry: entry.event, lambda: 1.0)


def entries(*streams: str, url: str = "u") -> Iterator[Entry]:
    return (Entry(number, stream, url) for number, stream in enumerate(streams, 1))


def numbers(lanes: Lanes, now: float = 0) -> list[int]:
    found = []
    while (turn := lanes.next(now)) is not None:
        found.append(turn[0].number)
    return found


def test_of_each_stream_only_the_first_is_under_way() -> None:
    ours = lanes()
    ours.put(entries("a", "a", "b"))
    assert numbers(ours) == [1, 3]
    ours.done(Entry(1, "a", "u"), "u")
    assert numbers(ours) == [2]
    assert ours.count == 2


def test_a_failure_holds_its_stream_up_and_no_other() -> None:
    ours = lanes()
    ours.put(entries("a", "a", "b", "b"))
    assert numbers(ours) == [1, 3]
    assert ours.failed(Entry(1, "a", "u"), "u", now=0) == 1
    ours.done(Entry(3, "b", "u"), "u")
    assert numbers(ours) == [4]
    assert ours.wakes_at() == 1
    assert numbers(ours, now=1) == [1]


def test_it_waits_longer_with_each_failure_and_not_for_ever() -> None:
    ours = lanes()
    ours.put(entries("a"))
    waits, now = [], 0.0
    for _ in range(9):
        assert numbers(ours, now) == [1]
        waits.append(ours.failed(Entry(1, "a", "u"), "u", now))
        now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, MAX_WAIT_S, MAX_WAIT_S, MAX_WAIT_S]


def test_chance_shortens_the_wait() -> None:
    ours = Lanes(lambda entry: entry.event, lambda: 0.0)
    ours.put(entries("a"))
    numbers(ours)
    assert ours.failed(Entry(1, "a", "u"), "u", 0) == 0.5


def test_an_address_that_does_not_answer_holds_no_other_up() -> None:
    ours = lanes()
    ours.put(Entry(number, f"s{number}", "slow") for number in range(1, 100))
    ours.put([Entry(100, "other", "good")])
    assert numbers(ours) == [*range(1, PER_URL + 1), 100]
    assert not ours.is_idle


def test_what_has_made_room_is_forgotten() -> None:
    ours = lanes()
    ours.put(entries("a", "a", "a", "a"))
    assert numbers(ours) == [1]
    ours.forget(before=4)
    assert ours.count == 2
    ours.done(Entry(1, "a", "u"), "u")
    assert numbers(ours) == [4]
    ours.done(Entry(4, "a", "u"), "u")
    assert ours.is_idle
    assert ours.count == 0
