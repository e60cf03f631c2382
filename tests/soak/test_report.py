"""Reports of long runs."""

from __future__ import annotations

import json
import math

import pytest

from soak.report import Report, show


def test_promises_are_kept_up_to_their_limit() -> None:
    report = Report("Test", "nothing")
    report.note("known", 7)
    report.at_most("gap", 500, 500, "ms")
    report.at_least("viewers", 3, 3)
    assert report.kept
    report.at_most("gap", 501, 500, "ms")
    assert not report.kept
    assert report.missed() == ["gap: 501 ms, at most 500"]


def test_what_was_not_measured_is_not_kept() -> None:
    report = Report("Test", "nothing")
    report.at_most("gap", math.nan, 500)
    assert not report.kept
    assert json.loads(json.dumps(report.to_json()))["figures"][0]["value"] is None


def test_a_fault_is_enough() -> None:
    report = Report("Test", "nothing")
    report.tell("somebody was cut off")
    assert not report.kept
    assert "- somebody was cut off" in report.markdown()


def test_the_table_has_a_line_for_each_figure() -> None:
    report = Report("Test", "nothing")
    report.note("connections", 20_113)
    report.at_most("left over", 0, 0)
    assert report.markdown().splitlines()[2:4] == [
        "| connections | 20,113 |  |  |",
        "| left over | 0 | none | kept |",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (3, "3"), (0.456, "0.46"), (12.34, "12.3"), (12345.6, "12,346"), (1.0, "1")],
)
def test_numbers_are_shown_as_people_read_them(value: float, shown: str) -> None:
    assert show(value) == shown
