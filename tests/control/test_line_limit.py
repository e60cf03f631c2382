"""The limit of log lines: the first of a flood are written, the rest are counted."""

from __future__ import annotations

from slipstream.control.logs.line_limit import LineLimit


def admitted(limit: LineLimit, kind: str, now: float, lines: int) -> int:
    return sum(limit.admits(kind, now) for _ in range(lines))


def test_twenty_lines_of_a_kind_are_admitted_in_a_second() -> None:
    limit = LineLimit(20)
    assert admitted(limit, "a", 0.0, 20) == 20
    assert not limit.admits("a", 0.5)
    assert limit.left_out == 1


def test_other_kinds_do_not_suffer() -> None:
    limit = LineLimit(20)
    admitted(limit, "a", 0.0, 1000)
    assert admitted(limit, "b", 0.0, 20) == 20


def test_what_was_left_out_is_told_once_when_the_second_is_over() -> None:
    limit = LineLimit(20)
    admitted(limit, "a", 0.0, 50)
    admitted(limit, "b", 0.0, 3)
    assert list(limit.take_notes(0.999)) == []
    assert list(limit.take_notes(1.0)) == [("a", 30)]
    assert list(limit.take_notes(2.0)) == []
    assert admitted(limit, "a", 2.0, 50) == 20
    assert limit.left_out == 60
