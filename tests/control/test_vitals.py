"""How a worker feels: the lag of its loop, and counts and memory that are kept up to date."""

from __future__ import annotations

import asyncio
import os
import time

from slipstream.control.configuration.config import Config
from slipstream.control.metrics.counters import Counters
from slipstream.control.metrics.vitals import WINDOW_LOOKS, Vitals, descriptors
from tests.control.stage import Stage


def vitals_of(stage: Stage) -> Vitals:
    return Vitals(stage.parts, Counters(stage.parts))


async def test_the_largest_lag_is_told_until_it_is_long_ago() -> None:
    vitals = vitals_of(Stage(Config()))
    for lag_s in (0.01, 0.2, 0.03):
        vitals.note_lag(lag_s)
    assert vitals.loop_lag_s == 0.2
    for _ in range(WINDOW_LOOKS):
        vitals.note_lag(0.001)
    assert vitals.loop_lag_s == 0.2
    for _ in range(WINDOW_LOOKS):
        vitals.note_lag(0.001)
    assert vitals.loop_lag_s == 0.001


async def test_a_loop_that_was_blocked_is_seen_to_lag() -> None:
    vitals = vitals_of(Stage(Config()))
    vitals.start()
    try:
        time.sleep(0.5)  # the timer was due after 0.1
        while vitals.loop_lag_s == 0:
            await asyncio.sleep(0.01)
        assert vitals.loop_lag_s > 0.3
    finally:
        vitals.stop()


async def test_memory_and_counts_are_looked_at_from_the_start() -> None:
    stage = Stage(Config())
    stage.hub.totals.publications = 5
    vitals = vitals_of(stage)
    vitals.start()
    vitals.stop()
    assert stage.parts.memory.used_bytes > 1 << 20
    assert stage.parts.ledger.row(0, ["publications"]) == {"publications": 5}


def test_descriptors_are_counted() -> None:
    before = descriptors()
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(10)]
    assert descriptors() == before + 10
    for fd in opened:
        os.close(fd)
