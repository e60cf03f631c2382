"""What somebody was let in by, looked at again later."""

from __future__ import annotations

from pathlib import Path
from time import time

import pytest

from slipstream.access import (
    NO_GRANT,
    AccessSettings,
    Action,
    Gate,
    Grant,
    Request,
    Store,
    StreamKeys,
    Users,
)
from slipstream.access.signed import signed_query
from tests.access.stage import KEY, SIGNING_KEY, gate, playing, publishing, token

WAYS = ["key", "token", "signed", "user"]


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path) -> StreamKeys:
    return StreamKeys(Store(tmp_path))


def door(folder: Path, clock: Clock, **settings: object) -> Gate:
    ways = {"publish": WAYS, "play": WAYS}
    return gate(AccessSettings.model_validate(ways | settings), folder, clock=clock)


def grant(gate: Gate, request: Request) -> Grant:
    decision = gate.decide(request, 0.0)
    assert decision.allowed, decision.reason
    return decision.grant


def revoked(gate: Gate, grant: Grant, action: Action = Action.PUBLISH) -> str:
    return gate.revoked("live/cam", action, grant)


def test_a_key_holds_until_it_is_disabled(keys: StreamKeys, tmp_path: Path, clock: Clock) -> None:
    gate = door(tmp_path, clock)
    stored, key = keys.add("live")
    held = grant(gate, publishing(f"key={key}"))
    assert not revoked(gate, held)
    keys.disable(stored.id)
    assert revoked(gate, held) == f"key {stored.id} is disabled"
    assert revoked(gate, held, Action.PLAY)
    keys.enable(stored.id)
    assert not revoked(gate, held)
    keys.remove(stored.id)
    assert revoked(gate, held) == "the key was rotated or removed"


def test_a_rotated_key_holds_as_long_as_it_overlaps(
    keys: StreamKeys, tmp_path: Path, clock: Clock
) -> None:
    gate = door(tmp_path, clock)
    stored, old = keys.add("live")
    held = grant(gate, publishing(f"key={old}"))
    _, new = keys.rotate(stored.id, overlap_s=60)
    later = grant(gate, publishing(f"key={new}"))
    assert grant(gate, publishing(f"key={old}")) == held
    assert not revoked(gate, held)
    clock.now += 61
    assert revoked(gate, held) == f"key {stored.id} was rotated"
    refused = gate.decide(publishing(f"key={old}"), 0.0)
    assert (refused.allowed, refused.guess) == (False, False)
    assert not revoked(gate, later)
    keys.rotate(stored.id)
    assert revoked(gate, later) == "the key was rotated or removed"


def test_the_key_of_the_whole_server_holds(tmp_path: Path, clock: Clock) -> None:
    gate = door(tmp_path, clock)
    assert not revoked(gate, grant(gate, publishing(f"key={KEY}")))


def test_a_user_holds_until_removed(tmp_path: Path, clock: Clock) -> None:
    gate, users = door(tmp_path, clock), Users(Store(tmp_path))
    users.put("ann", "secret")
    held = grant(gate, publishing(user="ann"))
    assert not revoked(gate, held)
    users.remove("ann")
    assert revoked(gate, held) == "user ann was removed"


@pytest.mark.parametrize(
    ("setting", "ended"),
    [
        ("nobody", []),
        ("publishers", [Action.PUBLISH]),
        ("everybody", [Action.PUBLISH, Action.PLAY]),
    ],
)
@pytest.mark.parametrize("way", ["token", "signed"])
def test_the_setting_says_whom_an_expiry_ends(
    tmp_path: Path, clock: Clock, way: str, setting: str, ended: list[Action]
) -> None:
    gate = door(tmp_path, clock, end_when_expired=setting)
    expires = int(clock.now) + 60
    for action, asks in ((Action.PUBLISH, publishing), (Action.PLAY, playing)):
        query = signed_query(SIGNING_KEY, action, "live/cam", expires)
        if way == "token":
            query = f"token={token(exp=expires, action=str(action))}"
        clock.now = expires - 1
        held = grant(gate, asks(query))
        assert not revoked(gate, held, action)
        clock.now = expires
        assert ("has expired" in revoked(gate, held, action)) is (action in ended)


def test_what_others_have_allowed_or_everybody_may_is_never_taken_back(
    tmp_path: Path, clock: Clock
) -> None:
    gate = door(tmp_path, clock, publish="anonymous")
    assert grant(gate, publishing()) == NO_GRANT
    assert not revoked(gate, NO_GRANT)
