"""Operators of the API: added, kept as hashes, good for their role, and removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipstream.access import LiveStore, Operators, Role, Store
from slipstream.access.store import STORE_FILE
from slipstream.errors import SlipstreamError

MAIN_TOKEN = "0123456789abcdef"


def test_the_main_token_is_good_for_everything_and_others_for_their_role(tmp_path: Path) -> None:
    operators = Operators(MAIN_TOKEN, Store(tmp_path))
    made = {role: operators.add(str(role), role) for role in Role}
    assert operators.role_of(MAIN_TOKEN) is Role.ADMIN
    assert {role: operators.role_of(token) for role, token in made.items()} == {r: r for r in Role}
    for wrong in ("", "x", MAIN_TOKEN + "x", "ä", "\ud800", "read"):
        assert operators.role_of(wrong) is None


def test_without_a_main_token_no_token_is_none(tmp_path: Path) -> None:
    assert Operators("", Store(tmp_path)).role_of("") is None


def test_a_role_includes_those_before_it() -> None:
    covered = [[role.covers(other) for other in Role] for role in Role]
    assert covered == [[True, False, False], [True, True, False], [True, True, True]]


def test_no_token_is_in_the_file(tmp_path: Path) -> None:
    token = Operators(MAIN_TOKEN, Store(tmp_path)).add("ci", Role.READ)
    kept = (tmp_path / STORE_FILE).read_text()
    assert '"ci"' in kept
    assert token not in kept


def test_a_running_server_notices_who_was_added_and_removed(tmp_path: Path) -> None:
    running = Operators(MAIN_TOKEN, LiveStore(tmp_path))
    elsewhere = Operators("", Store(tmp_path))
    assert running.role_of("x") is None
    token = elsewhere.add("ci", Role.OPERATE)
    assert running.role_of(token) is Role.OPERATE
    elsewhere.remove("ci")
    assert running.role_of(token) is None


def test_names_are_used_once_and_have_to_be_names(tmp_path: Path) -> None:
    operators = Operators(MAIN_TOKEN, Store(tmp_path))
    operators.add("ci", Role.READ)
    for name in ("ci", "", "a b", "x" * 65, "ä"):
        with pytest.raises(SlipstreamError):
            operators.add(name, Role.READ)
    with pytest.raises(SlipstreamError, match="no operator named other"):
        operators.remove("other")
    assert [operator.name for operator in operators.list()] == ["ci"]


def test_a_damaged_file_lets_nobody_in_but_by_the_main_token(tmp_path: Path) -> None:
    token = Operators(MAIN_TOKEN, Store(tmp_path)).add("ci", Role.ADMIN)
    (tmp_path / STORE_FILE).write_text('{"operators": [{"role": "king"}]}')
    started_now = Operators(MAIN_TOKEN, LiveStore(tmp_path))
    assert started_now.role_of(token) is None
    assert started_now.role_of(MAIN_TOKEN) is Role.ADMIN
