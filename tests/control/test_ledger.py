"""The ledger: what a worker has written there outlives it, and is seen by all."""

from __future__ import annotations

import os
import time

from slipstream.control.metrics.counters import COUNTERS
from slipstream.control.metrics.ledger import Ledger, column


def test_what_is_written_is_read_back_and_the_rest_is_zero() -> None:
    ledger = Ledger(2)
    ledger.write(1, {"a": 3, "b": 0.5})
    assert ledger.row(1, ["b", "c", "a"]) == {"b": 0.5, "c": 0, "a": 3}
    assert ledger.row(0, ["a", "b"]) == {"a": 0, "b": 0}


def test_the_total_may_leave_rows_out() -> None:
    ledger = Ledger(3)
    for slot in range(3):
        ledger.write(slot, {"a": slot, "b": 10})
    assert ledger.total(["a", "b"]) == {"a": 3, "b": 30}
    assert ledger.total(["a", "b"], but={0, 2}) == {"a": 1, "b": 10}
    assert ledger.total(["a"], but={0, 1, 2}) == {"a": 0}


def test_a_slot_that_does_not_exist_is_empty() -> None:
    ledger = Ledger(1)
    ledger.write(1, {"a": 5})
    assert ledger.row(1, ["a"]) == ledger.row(0, ["a"]) == {"a": 0}


def test_each_counter_has_a_column_of_its_own() -> None:
    assert len({column(name) for name in COUNTERS}) == len(COUNTERS)


def test_a_process_that_was_forked_writes_into_the_same_table() -> None:
    ledger = Ledger(2)
    child = os.fork()
    if not child:
        ledger.write(1, {"a": 7})
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert ledger.row(1, ["a"]) == {"a": 7}


def test_a_table_is_left_to_another_process_by_its_descriptor() -> None:
    before = time.time()
    ledger = Ledger(2)
    assert before <= ledger.started_at <= time.time()
    ledger.started_at = 1000.0
    ledger.write(1, {"a": 7})
    heir = Ledger(3, os.dup(ledger.fd))
    assert heir.started_at == 1000.0
    assert (heir.row(1, ["a"]), heir.row(2, ["a"])) == ({"a": 7}, {"a": 0})
    heir.write(0, {"a": 1})
    assert ledger.row(0, ["a"]) == {"a": 1}
