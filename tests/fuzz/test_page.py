"""The tables of docs/measurements/fuzzing.md."""

from __future__ import annotations

import pytest

from fuzz.page import put_between, targets_table


def test_a_table_replaces_what_stands_between_its_marks() -> None:
    text = "a\n<!-- x -->\nold\n\nold\n<!-- end -->\nb\n<!-- y -->\n<!-- end -->\n"
    replaced = put_between(text, "x", "new \\1")
    assert replaced == "a\n<!-- x -->\nnew \\1\n<!-- end -->\nb\n<!-- y -->\n<!-- end -->\n"
    assert put_between(replaced, "x", "old\n\nold") == text


def test_a_page_without_marks_is_told() -> None:
    with pytest.raises(ValueError, match="0 places"):
        put_between("a", "x", "new")


def test_targets_are_summed_up() -> None:
    row = {"inputs": 3_000, "seconds": 2.0, "coverage": 5, "features": 6, "peak_mb": 7}
    table = targets_table([{"name": "amf0", **row}, {"name": "amf3", **row}])
    assert "| `amf0` | 3,000 | 2 | 1,500 | 5 | 6 |" in table
    assert "| all | 6,000 | 4 | 1,500 |" in table
