"""The page of the documentation shows what is tested, and nothing else."""

from __future__ import annotations

from pathlib import Path

from tests.interop.clients import PUBLISHERS, WATCHERS
from tests.interop.matrix import COLUMNS, NOT_PUBLISHED, NOT_WATCHED, Cell

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "interop.md"


def test_the_page_shows_what_is_tested() -> None:
    page = PAGE.read_text()
    publishers = [publisher.name for publisher in PUBLISHERS]
    watchers = [watcher.name for watcher in WATCHERS]
    for clients, empty in ((publishers, NOT_PUBLISHED), (watchers, NOT_WATCHED)):
        wanted = table(clients, empty)
        assert wanted in page, f"{PAGE.name} should have:\n{wanted}"


def test_no_reason_is_left_over() -> None:
    publishers = {publisher.name for publisher in PUBLISHERS}
    watchers = {watcher.name for watcher in WATCHERS}
    for clients, empty in ((publishers, NOT_PUBLISHED), (watchers, NOT_WATCHED)):
        assert all(cell.client in clients and cell.film in COLUMNS for cell in empty)


def table(clients: list[str], empty: dict[Cell, str]) -> str:
    """A table in Markdown, a client a line, and under it the reasons for what it leaves out."""
    reasons = list(dict.fromkeys(empty.values()))
    lines = [_line("", *COLUMNS.values()), _line("---", *("---" for _ in COLUMNS))]
    for client in clients:
        cells = (empty.get(Cell(client, film)) for film in COLUMNS)
        lines.append(_line(client, *("yes" if r is None else _mark(r, reasons) for r in cells)))
    notes = [f"- {_mark(reason, reasons)} {reason}." for reason in reasons]
    return "\n".join([*lines, "", *notes]) + "\n"


def _mark(reason: str, reasons: list[str]) -> str:
    return f"({reasons.index(reason) + 1})"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
