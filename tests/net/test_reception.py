"""What a viewer has received, when some of the log was never sent to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.log import SYNC, Batch, Log
from slipstream.net.reception import GRAIN_MS, Reception

ENTRY = 100  # bytes
STEP_MS = 40


def log_of(count: int, size: int = ENTRY) -> Log:
    """Entries of the same size, one every `STEP_MS`."""
    log = Log()
    fill(log, count, size)
    return log


def fill(log: Log, count: int, size: int) -> None:
    times = [number * STEP_MS for number in range(count)]
    flags = bytearray((SYNC, *bytes(count - 1)))
    log.append(Batch([bytes(size * count)], [size] * count, times, flags, [None]))


def test_what_the_kernel_holds_has_not_been_received() -> None:
    log = log_of(50)
    reception = Reception(log, 0, 0, 0.0)
    assert reception.lag_ms(0, log.head, log.head) == 0
    assert reception.lag_ms(10 * ENTRY, log.head, log.head) == 9 * STEP_MS
    assert reception.lag_ms(0, 20 * ENTRY, 20 * ENTRY) == 29 * STEP_MS


def test_a_greeting_that_is_on_its_way_is_no_part_of_the_log() -> None:
    log = log_of(50)
    reception = Reception(log, 40 * ENTRY, 0, 0.0)
    assert reception.lag_ms(5_000, 0, 40 * ENTRY) == 9 * STEP_MS


def test_a_chosen_delay_is_no_lag() -> None:
    log = log_of(50)
    reception = Reception(log, 0, 30 * STEP_MS, 0.0)
    assert reception.lag_ms(0, 10 * ENTRY, 10 * ENTRY) == 9 * STEP_MS
    assert reception.lag_ms(0, 40 * ENTRY, 40 * ENTRY) == 0


def test_after_a_jump_the_lag_is_that_of_what_the_kernel_still_holds() -> None:
    log = log_of(50)
    reception = Reception(log, 0, 0, 0.0)
    reception.skip(10 * ENTRY, 10 * ENTRY, 45 * ENTRY, 45 * STEP_MS)
    assert reception.lag_ms(4 * ENTRY, 10 * ENTRY, 45 * ENTRY) == 43 * STEP_MS
    assert reception.lag_ms(4 * ENTRY, 13 * ENTRY, 48 * ENTRY) == 40 * STEP_MS
    assert reception.lag_ms(2 * ENTRY, 13 * ENTRY, 48 * ENTRY) == 3 * STEP_MS
    assert reception.lag_ms(0, 13 * ENTRY, 48 * ENTRY) == STEP_MS


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 5), st.floats(0, 1)), min_size=1, max_size=18
    )
)
def test_the_place_is_right_whatever_was_skipped_when(
    runs: list[tuple[int, int, float]],
) -> None:
    """Entries sent, entries skipped, and the share that has been received since the last look.

    The lag is precise but for `GRAIN_MS`, and never too small.
    """
    log = log_of(200)
    reception = Reception(log, 0, 0, 0.0)
    places: list[int] = []  # of each byte sent, in entries
    place = taken = 0
    for keep, leave, share in runs:
        places += [place + number for number in range(keep) for _ in range(ENTRY)]
        place += keep + leave
        position = place * ENTRY
        reception.skip(len(places), position - leave * ENTRY, position, place * STEP_MS)
        taken += int((len(places) - taken) * share)
        expected = places[taken] if taken < len(places) else place
        lag_ms = reception.lag_ms(len(places) - taken, len(places), position)
        assert 0 <= lag_ms - (log.head_ms - expected * STEP_MS) <= GRAIN_MS


@pytest.mark.parametrize("rate", [1_000, 10_000])
def test_the_next_byte_is_late_by_what_waits_at_the_rate_the_viewer_takes(rate: int) -> None:
    log = log_of(50)
    reception = Reception(log, 0, 0, 0.0)
    for second in range(1, 20):
        reception.measure(rate * second, float(second))
    assert reception.lateness_ms(5_000, log.head) == pytest.approx(5_000_000 / rate)
    assert reception.lateness_ms(0, 40 * ENTRY) == 9 * STEP_MS


def test_nothing_taken_is_infinitely_late_in_the_end() -> None:
    log = log_of(50)
    reception = Reception(log, 0, 0, 0.0)
    reception.measure(10_000, 1.0)
    for tenth in range(1, 100):
        reception.measure(10_000, 1.0 + tenth / 10)
    assert reception.lateness_ms(1_000, log.head) > 100_000


def test_the_rate_is_known_from_the_first_look_on() -> None:
    reception = Reception(log_of(50), 0, 0, 0.0)
    reception.measure(1_000, 0.1)
    assert reception.lateness_ms(1_000, 50 * ENTRY) == pytest.approx(100)
    reception.measure(2_000, 0.3)
    assert reception.lateness_ms(1_000, 50 * ENTRY) == pytest.approx(150)


@pytest.mark.parametrize(
    ("ceiling_ms", "milliseconds"), [(60_000, 1_000), (6_000, 1_000), (3_000, 500)]
)
def test_the_kernel_may_hold_a_second_of_the_stream_or_a_sixth_of_the_ceiling(
    ceiling_ms: int, milliseconds: int
) -> None:
    log = log_of(100, 20_000)  # 500 KB a second
    reception = Reception(log, 0, 0, 0.0)
    size = reception.buffer_size(ceiling_ms, 0)
    assert size == pytest.approx(log.bytes_per_second() * milliseconds / 1000, abs=1)


def test_the_kernel_may_hold_less_for_a_viewer_that_lags() -> None:
    log = log_of(100, 20_000)
    reception = Reception(log, 0, 0, 0.0)
    reception.measure(100_000, 1.0)
    assert reception.buffer_size(6_000, 999) == log.bytes_per_second()
    assert reception.buffer_size(6_000, 1_000) == 100_000
    assert reception.buffer_size(600, 100) == 32 << 10
    reception.measure(2_100_000, 2.0)
    assert reception.buffer_size(6_000, 1_000) == log.bytes_per_second()


def test_what_a_young_log_sends_in_a_second_is_believed_later() -> None:
    log = Log()
    reception = Reception(log, 0, 0, 0.0)
    assert reception.buffer_size(6_000, 0) == 128 << 10
    assert reception.buffer_size(600, 0) == 64 << 10
    fill(log, 100, 20_000)
    reception.measure(0, 1.9)
    assert reception.buffer_size(6_000, 0) == 128 << 10
    reception.measure(0, 2.0)
    assert reception.buffer_size(6_000, 0) == log.bytes_per_second()
