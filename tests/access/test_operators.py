"""Operators of the API: added, kept as hashes, good for their role, and removed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from slipstream.access import Operators, Role
from slipstream.access.operators import OPERATORS_FILE
from slipstream.errors import SlipstreamError

MAIN_TOKEN = "0123456789abcdef"


def test_the_main_token_is_good_for_everything_and_others_for_their_role(tmp_path: Path) -> None:
    operators = Operators(MAIN_TOKEN, tmp_path)
    made = {role: operators.add(str(role), role) for role in Role}
    assert operators.role_of(MAIN_TOKEN) is Role.ADMIN
    assert {role: operators.role_of(token) for role, token in made.items()} == {r: r for r in Role}
    for wrong in ("", "x", MAIN_TOKEN + "x", "ä", "\ud800", "read"):
        assert operators.role_of(wrong) is None


def test_a_role_includes_those_before_it() -> None:
    covered = [[role.covers(other) for other in Role] for role in Role]
    assert covered == [[True, False, False], [True, True, False], [True, True, True]]


def test_no_token_is_in_the_file_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    token = Operators(MAIN_TOKEN, tmp_path).add("ci", Role.READ)
    path = tmp_path / OPERATORS_FILE
    assert token not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [OPERATORS_FILE]


def test_a_running_server_notices_what_was_made_and_removed(tmp_path: Path) -> None:
    running, elsewhere = Operators(MAIN_TOKEN, tmp_path), Operators("", tmp_path)
    assert running.role_of("x") is None
    token = elsewhere.add("ci", Role.OPERATE)
    assert running.role_of(token) is Role.OPERATE
    elsewhere.remove("ci")
    assert running.role_of(token) is None


def test_names_are_used_once_and_have_to_be_names(tmp_path: Path) -> None:
    operators = Operators(MAIN_TOKEN, tmp_path)
    operators.add("ci", Role.READ)
    for name in ("ci", "", "a b", "api.token", "x" * 65, "ä"):
        with pytest.raises(SlipstreamError):
            operators.add(name, Role.READ)
    with pytest.raises(SlipstreamError, match="no operator named other"):
        operators.remove("other")
    assert [one.name for one in operators.all()] == ["ci"]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"operators": [{}]}', '{"operators": [{"role": "king"}]}', "\xff", "null"]
)
def test_a_file_that_cannot_be_read_lets_nobody_in_and_is_not_written_over(
    text: str, tmp_path: Path
) -> None:
    operators = Operators(MAIN_TOKEN, tmp_path)
    token = operators.add("ci", Role.ADMIN)
    path = tmp_path / OPERATORS_FILE
    path.write_text(text, encoding="latin-1")
    assert operators.role_of(token) is None
    assert operators.role_of(MAIN_TOKEN) is Role.ADMIN
    with pytest.raises(SlipstreamError, match="holds no operators"):
        operators.add("other", Role.READ)
    assert path.read_text(encoding="latin-1") == text


def test_what_is_kept_has_a_version(tmp_path: Path) -> None:
    Operators(MAIN_TOKEN, tmp_path).add("ci", Role.READ)
    kept = json.loads((tmp_path / OPERATORS_FILE).read_text())
    assert kept["version"] == 1
    assert set(kept["operators"][0]) == {"name", "role", "sha256", "made_at"}
