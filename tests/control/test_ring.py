"""A ring keeps the newest, and knows their numbers."""

from __future__ import annotations

from slipstream.control.logs.ring import Ring


def filled(count: int, size: int = 3) -> Ring[str]:
    ring: Ring[str] = Ring(size)
    for number in range(1, count + 1):
        ring.append(f"item {number}")
    return ring


def test_an_empty_one_has_nothing() -> None:
    ring = filled(0)
    assert (ring.head, ring.oldest, list(ring.after(0))) == (0, 1, [])


def test_it_has_what_came_after_a_number() -> None:
    ring = filled(3)
    assert list(ring.after(1)) == [(2, "item 2"), (3, "item 3")]
    assert list(ring.after(3)) == list(ring.after(9)) == []


def test_the_oldest_are_forgotten() -> None:
    ring = filled(5)
    assert (ring.head, ring.oldest) == (5, 3)
    assert [number for number, _ in ring.after(0)] == [3, 4, 5]
