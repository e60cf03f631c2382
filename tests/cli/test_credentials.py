"""`slipstream keys`, `users`, `operators` and `token`: what they make is what is taken."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from slipstream.access import AccessSettings, Gate, Operators, Role, Store, Users, load_keys
from slipstream.cli import main
from tests.access.stage import playing, publishing

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on a data folder; returns what it prints."""

    def run(*arguments: str) -> str:
        assert main([*arguments, "--data-dir", str(tmp_path)]) == 0
        return capsys.readouterr().out

    return run


def gate(folder: Path, *ways: str) -> Gate:
    settings = AccessSettings(publish=list(ways), play=list(ways))
    keys = load_keys(folder)
    return Gate(lambda _: settings, keys.publish_key, folder=folder, signing_key=keys.signing_key)


def test_keys_are_made_shown_once_and_taken_back(run: Run, tmp_path: Path) -> None:
    door = gate(tmp_path, "key")
    made = run("keys", "add", "live/cam", "--label", "studio")
    key_id, key = re.findall(r"[0-9a-f]{8,}", made)
    assert door.decide(publishing(f"key={key}"), 0.0).allowed
    listed = run("keys", "list")
    assert key_id in listed
    assert "studio" in listed
    assert key not in listed
    new = re.findall(r"[0-9a-f]{32}", run("keys", "rotate", key_id))[0]
    assert not door.decide(publishing(f"key={key}"), 0.0).allowed
    assert door.decide(publishing(f"key={new}"), 0.0).allowed
    newer = re.findall(r"[0-9a-f]{32}", run("keys", "rotate", key_id, "--overlap", "30d"))[0]
    assert door.decide(publishing(f"key={newer}"), 0.0).allowed
    assert door.decide(publishing(f"key={new}"), 0.0).allowed
    run("keys", "disable", key_id)
    assert not door.decide(publishing(f"key={new}"), 0.0).allowed
    run("keys", "enable", key_id)
    assert door.decide(publishing(f"key={new}"), 0.0).allowed
    run("keys", "remove", key_id)
    assert not door.decide(publishing(f"key={new}"), 0.0).allowed


def test_operators_are_added_listed_and_removed(run: Run, tmp_path: Path) -> None:
    token = run("operators", "add", "ci", "--role", "operate").strip()
    operators = Operators("", Store(tmp_path))
    assert operators.role_of(token) is Role.OPERATE
    listed = run("operators", "list")
    assert re.search(r"^ci +operate +20", listed, re.MULTILINE)
    assert token not in listed
    run("operators", "remove", "ci")
    assert operators.role_of(token) is None


def test_users_get_their_password_from_standard_input(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    run("users", "add", "ann", "--app", "live")
    assert "live/*" in run("users", "list")
    assert gate(tmp_path, "user").decide(publishing(user="ann"), 0.0).allowed
    run("users", "remove", "ann")
    assert not Users(Store(tmp_path)).list()


def test_tokens_are_made_and_inspected(run: Run, tmp_path: Path) -> None:
    made = ("token", "make", "live/c*", "--action", "publish")
    text = run(*made, "--max-kbps", "1000").strip()
    decision = gate(tmp_path, "token").decide(publishing(f"token={text}"), 0.0)
    assert decision.policy.max_kbps == 1000
    said = run("token", "inspect", text)
    assert '"name": "c*"' in said
    assert "signed with our signing.key; expires in 3" in said
    assert "no key of ours has signed it" in run("token", "inspect", text[:-4] + "AAAA")


def test_urls_are_signed_and_inspected(run: Run, tmp_path: Path) -> None:
    query = run("token", "sign", "live/cam", "--action", "play", "--valid", "10m").strip()
    assert gate(tmp_path, "signed").decide(playing(query), 0.0).allowed
    said = run("token", "inspect", f"live/cam?{query}")
    assert said.startswith("signed with our signing.key to play live/cam; expires in")
    assert run("token", "inspect", f"live/other?{query}").startswith("not signed")


@pytest.mark.parametrize(
    "arguments",
    [
        ("keys", "rotate", "none"),
        ("keys", "add", "live/.."),
        ("users", "remove", "nobody"),
        ("operators", "remove", "nobody"),
        ("operators", "add", "a b"),
        ("token", "inspect", "x"),
        ("token", "inspect", "live/cam?sig=x"),
        ("token", "sign", "live/cam", "--action", "play", "--valid", "soon"),
    ],
)
def test_mistakes_are_one_line(
    arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--data-dir", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
