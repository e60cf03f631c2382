"""The account of a viewer of several encoders: what it must notice, and what is right."""

from __future__ import annotations

from bench.load.chunks import Message
from soak.handover import Account, Handover
from soak.stream import STEP_MS, build_body, kind_of

MS = 1_000_000


def see(account: Account, session: int, numbers: range, *, at_ms: int, time_ms: int) -> None:
    """Messages of an encoder, as they come 20 ms after one another."""
    for step, number in enumerate(numbers):
        passed_ms = step * STEP_MS
        body = build_body(session, number, (at_ms + passed_ms) * MS)
        message = Message(time_ms + passed_ms, kind_of(number), 1, body)
        account.see(message, (at_ms + passed_ms) * MS)


def test_a_change_of_encoders_at_a_keyframe_is_no_fault() -> None:
    account = Account()
    see(account, 1, range(50, 120), at_ms=0, time_ms=0)
    see(account, 2, range(100, 150), at_ms=2_000, time_ms=1_413)
    assert account.faults == []
    assert account.handovers == [Handover(1, 2, gap_ms=2_000 - 69 * 20, step_ms=33)]
    assert account.received == 120
    assert account.longest_gap_ms == 620


def test_an_encoder_that_begins_in_mid_group_is_one() -> None:
    account = Account()
    see(account, 1, range(50, 120), at_ms=0, time_ms=0)
    see(account, 2, range(101, 150), at_ms=2_000, time_ms=1_413)
    assert account.faults == ["101 of 2 came first and is no keyframe"]


def test_messages_that_are_missing_or_doubled_are_counted() -> None:
    account = Account()
    see(account, 1, range(50, 60), at_ms=0, time_ms=0)
    see(account, 1, range(63, 65), at_ms=260, time_ms=260)
    see(account, 1, range(64, 66), at_ms=300, time_ms=300)
    assert (account.missing, account.doubled) == (3, 1)
    assert len(account.faults) == 2


def test_time_that_goes_back_is_told() -> None:
    account = Account()
    see(account, 1, range(50, 60), at_ms=0, time_ms=0)
    see(account, 1, range(60, 61), at_ms=200, time_ms=100)
    assert account.faults == ["time went back by 80 ms at 60 of 1"]


def test_a_damaged_message_is_told() -> None:
    account = Account()
    body = build_body(1, 50, 0)
    account.see(Message(0, kind_of(50), 1, body[:-1] + b"\0"), 0)
    assert "damaged" in account.faults[0]
