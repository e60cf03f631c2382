"""What `python -m soak` writes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from soak.report import Report

command = import_module("soak.__main__")


@pytest.mark.parametrize("name", command.RUNS)
def test_every_run_has_a_page_with_a_place_for_its_table(name: str) -> None:
    page = command.PAGES / f"{name}.md"
    assert command.MARKS.search(page.read_text())
    assert f"({name}.md)" in (command.PAGES / "README.md").read_text()


def test_a_page_is_filled_and_filled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PAGES", tmp_path)
    monkeypatch.setattr(command, "FIGURES", tmp_path / "figures")
    page = tmp_path / "test.md"
    page.write_text("# Test\n\nBefore.\n\n<!-- measured -->\n<!-- end -->\n\nAfter.\n")
    for value in (1, 2):
        report = Report("Test", r"Nothing, \1 times.")
        report.note("figure", value)
        command._fill_page("test", report, {"curve": "<svg/>"}, "2000-01-01 00:00")
    text = page.read_text()
    assert text.startswith("# Test\n\nBefore.\n\n<!-- measured -->\n2000-01-01 00:00, ")
    assert text.endswith("![curve](figures/curve.svg)\n<!-- end -->\n\nAfter.\n")
    assert "| figure | 2 |" in text
    assert "| figure | 1 |" not in text
    assert (tmp_path / "figures" / "curve.svg").read_text() == "<svg/>"
