"""The kinds of value that Python lacks, and dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from math import inf, nan

import pytest

from slipstream.amf import UNDEFINED, Undefined
from slipstream.amf.values import date_from_ms, date_to_ms

MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_dates_are_milliseconds_since_1970() -> None:
    assert date_to_ms(MOMENT) == 1_700_000_000_000
    assert date_from_ms(1_700_000_000_000) == MOMENT
    assert date_from_ms(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


def test_a_date_s_own_zone_counts_and_none_is_utc() -> None:
    assert date_to_ms(MOMENT.astimezone(timezone(timedelta(hours=9)))) == 1_700_000_000_000
    assert date_to_ms(MOMENT.replace(tzinfo=None)) == 1_700_000_000_000


@pytest.mark.parametrize("ms", [nan, inf, -inf, 1e300, 253_402_300_800_000.0])
def test_what_no_datetime_can_hold_stays_a_number(ms: float) -> None:
    assert date_from_ms(ms) is ms


def test_undefined_is_one_and_false_and_not_none() -> None:
    assert UNDEFINED is Undefined.UNDEFINED
    assert not UNDEFINED
    assert UNDEFINED is not None
