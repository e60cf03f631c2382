"""Failed keys: counted exactly, by address, in bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.access import Failures

THEM, US = "203.0.113.9", "203.0.113.10"


def failed(failures: Failures, address: str, *times: float) -> Failures:
    for now in times:
        failures.note(address, now)
    return failures


def test_five_failures_within_ten_seconds_are_heard_and_no_sixth() -> None:
    failures = failed(Failures(), THEM, 0.0, 1.0, 2.0, 3.0)
    assert not failures.is_blocked(THEM, 4.0)
    failures.note(THEM, 4.0)
    assert failures.is_blocked(THEM, 4.0)
    assert failures.is_blocked(THEM, 9.999)


def test_an_address_is_heard_again_when_its_first_failure_is_ten_seconds_old() -> None:
    failures = failed(Failures(), THEM, 0.0, 1.0, 2.0, 3.0, 4.0)
    assert not failures.is_blocked(THEM, 10.0)
    failures.note(THEM, 10.0)
    assert failures.is_blocked(THEM, 10.0)  # until 11.0: the failure at 1.0 still counts


def test_other_addresses_do_not_suffer() -> None:
    assert not failed(Failures(), THEM, *range(5)).is_blocked(US, 4.5)


def test_all_addresses_of_one_ipv6_network_count_as_one() -> None:
    failures = Failures()
    for number in range(5):
        failures.note(f"2001:db8:1:2::{number:x}", 0.0)
    assert failures.is_blocked("2001:db8:1:2:ffff:ffff:ffff:ffff", 1.0)
    assert not failures.is_blocked("2001:db8:1:3::1", 1.0)


@pytest.mark.parametrize("address", ["", "::1%lo", "unix:/run/x", "fe80::zz", "\0"])
def test_an_odd_address_is_an_address(address: str) -> None:
    assert failed(Failures(), address, *range(5)).is_blocked(address, 4.0)


def test_memory_is_bounded_whatever_the_number_of_addresses() -> None:
    failures = Failures(max_addresses=100)
    for number in range(10_000):
        failures.note(f"10.0.{number >> 8}.{number & 255}", 0.0)
    assert len(failures) == 100
    assert failures.total == 10_000


def test_failures_that_count_no_more_are_forgotten() -> None:
    failures = failed(Failures(), THEM, 0.0)
    failures.note(US, 20.0)
    assert len(failures) == 1


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_never_more_than_five_are_heard_in_any_ten_seconds(pauses: list[float]) -> None:
    failures, now, heard = Failures(), 0.0, []
    for pause in pauses:
        now += pause
        if not failures.is_blocked(THEM, now):
            failures.note(THEM, now)
            heard.append(now)
    assert all(later - first >= 10 for first, later in zip(heard, heard[5:], strict=False))
