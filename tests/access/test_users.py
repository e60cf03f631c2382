"""Users: the dance of Adobe and Limelight, from any worker, once, in time, from one address."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slipstream.access import AccessSettings, Gate, Store, Users
from slipstream.access.store import STORE_FILE
from slipstream.errors import SlipstreamError
from slipstream.rtmp.authentication import (
    Credentials,
    Scheme,
    adobe_hash,
    adobe_response,
    limelight_hash,
    limelight_response,
)
from tests.access.stage import NOW, THEM, gate, publishing

SETTINGS = AccessSettings(publish="user")


@pytest.fixture
def users(tmp_path: Path) -> Users:
    users = Users(Store(tmp_path))
    users.put("ann", "secret")
    return users


def ask(door: Gate, query: str = "", address: str = THEM, app: str = "live") -> tuple[str, str]:
    user, refusal, _ = door.introduce(app, query, address, 0.0, publishes=True)
    return user, refusal


def answer(
    door: Gate,
    user: str = "ann",
    password: str = "secret",
    scheme: Scheme = Scheme.ADOBE,
    address: str = THEM,
) -> str:
    """What a client puts into its last `connect`."""
    _, refusal = ask(door, f"authmod={scheme}&user={user}", address)
    said = dict(part.split("=") for part in refusal.partition("?")[2].split("&"))
    if scheme is Scheme.ADOBE:
        kept = adobe_hash(user, said["salt"], password)
        given = Credentials(scheme, user, challenge="0badf00d", opaque=said["opaque"])
        response = adobe_response(kept, given, said["challenge"])
        what = f"challenge=0badf00d&response={response}&opaque={said['opaque']}"
    else:
        given = Credentials(scheme, user, nonce=said["nonce"], cnonce="0badf00d", nc="00000001")
        response = limelight_response(limelight_hash(user, password), given, "live")
        what = f"nonce={said['nonce']}&cnonce=0badf00d&nc=00000001&response={response}"
    return f"authmod={scheme}&user={user}&{what}"


def test_the_formulas_are_those_of_ffmpeg() -> None:
    # Recorded from FFmpeg 5.1 and 8.1.
    kept = adobe_hash("user", "SALT", "pass")
    given = Credentials(Scheme.ADOBE, "user", challenge="00000001", opaque="OPAQ")
    assert kept == "qvP+y+weKZvTvW3c3VonGg=="
    assert adobe_response(kept, given, "CHAL") == "YWSzRo/L3DdsFK0WNcIcLQ=="
    without = given._replace(opaque="")
    assert adobe_response(kept, without, "CHAL") == "RksuYoUx9aUykT8Nm1jzCA=="
    given = Credentials(Scheme.LIMELIGHT, "user", nonce="NONCE", cnonce="01020304", nc="00000001")
    response = limelight_response(limelight_hash("user", "pass"), given, "live")
    assert response == "5fe107d7ef315b50bc3dc9118a308a05"


@pytest.mark.parametrize("scheme", list(Scheme))
def test_whoever_knows_the_password_is_let_in(users: Users, tmp_path: Path, scheme: Scheme) -> None:
    door = gate(SETTINGS, tmp_path)
    _, first = ask(door)
    assert "code=403 need auth; authmod=adobe" in first
    assert ask(door, answer(door, scheme=scheme)) == ("ann", "")
    decision = door.decide(publishing(user="ann"), 0.0)
    assert (decision.allowed, decision.credential) == (True, "user:ann")


@pytest.mark.parametrize("scheme", list(Scheme))
def test_no_such_user_and_a_wrong_password_get_the_same_answers(
    users: Users, tmp_path: Path, scheme: Scheme
) -> None:
    door = gate(SETTINGS, tmp_path)
    shapes = []
    for user, password in (("ann", "guess"), ("bob", "secret")):
        _, challenge = ask(door, f"authmod={scheme}&user={user}")
        _, refusal = ask(door, answer(door, user, password, scheme))
        assert "?reason=authfailed" in refusal
        shapes.append([re.sub(r"[0-9a-f]{6,}|ann|bob", "*", text) for text in (challenge, refusal)])
    assert shapes[0] == shapes[1]
    assert door.failures.total == 2


def test_after_five_wrong_passwords_the_right_one_is_refused_too(
    users: Users, tmp_path: Path
) -> None:
    door = gate(SETTINGS, tmp_path)
    good = answer(door)
    for number in range(5):
        ask(door, answer(door, password=f"guess{number}"))
    refused = door.introduce("live", good, THEM, 0.0, publishes=True)
    assert refused.user == ""
    assert refused.reason == "too many wrong keys from this address"
    assert ask(door, answer(door, address="198.51.100.1"), "198.51.100.1")[0] == "ann"


def test_a_challenge_holds_once_for_a_while_and_for_one_address(
    users: Users, tmp_path: Path
) -> None:
    now = [NOW]
    door = gate(SETTINGS, tmp_path, clock=lambda: now[0])
    good = answer(door)
    assert ask(door, good, "198.51.100.1")[0] == ""
    assert ask(door, good)[0] == "ann"
    assert ask(door, good)[0] == ""
    late = answer(door)
    now[0] += 31
    assert ask(door, late)[0] == ""


def test_a_challenge_of_one_worker_is_answered_in_another(users: Users, tmp_path: Path) -> None:
    here, there = gate(SETTINGS, tmp_path), gate(SETTINGS, tmp_path)
    assert ask(there, answer(here))[0] == "ann"


def test_a_user_may_be_for_one_application(users: Users, tmp_path: Path) -> None:
    users.put("bob", "secret", app="school")
    door = gate(SETTINGS, tmp_path)
    assert door.decide(publishing(user="bob", stream="school/cam"), 0.0).allowed
    assert not door.decide(publishing(user="bob"), 0.0).allowed


def test_another_password_holds_at_once_and_a_user_can_be_removed(
    users: Users, tmp_path: Path
) -> None:
    door = gate(SETTINGS, tmp_path)
    users.put("ann", "another")
    assert ask(door, answer(door))[0] == ""
    assert ask(door, answer(door, password="another"))[0] == "ann"
    users.remove("ann")
    assert ask(door, answer(door, password="another"))[0] == ""
    with pytest.raises(SlipstreamError, match="no user 'ann'"):
        users.remove("ann")


def test_nobody_is_asked_who_shows_something_else_or_where_users_are_not_let_in(
    users: Users, tmp_path: Path
) -> None:
    both = gate(AccessSettings(publish=["user", "key"]), tmp_path)
    assert ask(both, "key=x") == ("", "")
    assert ask(both)[1]
    assert ask(gate(AccessSettings(), tmp_path)) == ("", "")


def test_no_password_is_kept(users: Users, tmp_path: Path) -> None:
    users.put("carl", "correct horse")
    assert "correct horse" not in (tmp_path / STORE_FILE).read_text()


@pytest.mark.parametrize("name", ["", "a b", "a&b", "x" * 65, "a=b"])
def test_names_that_would_have_to_be_escaped_are_refused(users: Users, name: str) -> None:
    with pytest.raises(SlipstreamError):
        users.put(name, "secret")


@pytest.mark.parametrize("query", [
    "authmod=adobe", "authmod=none&user=ann", "authmod=adobe&user=ann&response=x",
    "authmod=adobe&user=ann&response=x&opaque=-",
    "authmod=llnw&user=ann&response=\xe9&nonce=\xe9-1",
    "authmod=adobe&user=\udcff",
])  # fmt: skip
def test_nonsense_is_refused(users: Users, tmp_path: Path, query: str) -> None:
    user, refusal = ask(gate(SETTINGS, tmp_path), query)
    assert not user
    assert refusal
