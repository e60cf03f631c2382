"""What a viewer calls a fault."""

from __future__ import annotations

import pytest

from bench.load.chunks import Message
from soak.check import StreamCheck
from soak.stream import build_body, kind_of

MS = 1_000_000


def watch(*places: tuple[int, int], times: list[int] | None = None) -> StreamCheck:
    """What a check says of messages, each by its session and number, one every 20 ms."""
    check = StreamCheck()
    for index, (session, number) in enumerate(places):
        timestamp = index * 20 if times is None else times[index]
        body = build_body(session, number, index * 20 * MS)
        check.see(Message(timestamp, kind_of(number), 1, body), index * 20 * MS + 1)
    return check


def test_a_whole_stream_is_without_faults() -> None:
    check = watch(*((0, number) for number in range(120)))
    assert (check.received, check.missing, check.doubled) == (120, 0, 0)
    assert not check.faults
    assert not check.gaps


def test_another_session_begins_with_its_first_keyframe() -> None:
    assert not watch((0, 0), (0, 1), (60, 100), (60, 101)).faults
    check = watch((0, 0), (0, 1), (60, 150))
    assert check.missing == 50
    assert check.faults
    assert watch((0, 0), (0, 1), (60, 98)).faults


@pytest.mark.parametrize(
    ("places", "missing", "doubled"),
    [
        ([(0, 0), (0, 2)], 1, 0),
        ([(0, 0), (0, 1), (0, 1)], 0, 1),
        ([(0, 0), (0, 2), (0, 1), (0, 3)], 2, 1),
        ([(0, 1), (0, 2)], 0, 0),  # not from a keyframe on
        ([(50, 50), (0, 51)], 0, 0),  # an older session
    ],
)
def test_whatever_else_comes_is_a_fault(
    places: list[tuple[int, int]], missing: int, doubled: int
) -> None:
    check = watch(*places)
    assert check.faults
    assert (check.missing, check.doubled) == (missing, doubled)


def test_time_must_not_go_back() -> None:
    assert not watch((0, 0), (0, 1), (0, 2), times=[5, 5, 6]).faults
    assert watch((0, 0), (0, 1), (0, 2), times=[5, 7, 6]).faults


def test_a_damaged_message_is_a_fault() -> None:
    check = StreamCheck()
    check.see(Message(0, 9, 1, build_body(0, 0, 0)[:-1]), 0)
    assert check.faults


def test_long_pauses_are_remembered_with_the_sender_s_part_in_them() -> None:
    check = StreamCheck()
    for number, sent_ms, arrived_ms in ((0, 0, 0), (1, 20, 20), (2, 300, 340), (3, 320, 350)):
        body = build_body(0, number, sent_ms * MS)
        check.see(Message(number, kind_of(number), 1, body), arrived_ms * MS)
    (gap,) = check.gaps
    assert gap == check.longest == (20 * MS, 340 * MS, 280 * MS)
