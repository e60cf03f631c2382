"""Stream keys: what is kept of them, what they are good for, and that changes hold at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipstream.access import AccessSettings, Gate, Store, StreamKeys
from slipstream.access.store import STORE_FILE
from slipstream.errors import SlipstreamError
from tests.access.stage import KEY, gate, publishing


@pytest.fixture
def keys(tmp_path: Path) -> StreamKeys:
    return StreamKeys(Store(tmp_path))


@pytest.fixture
def door(tmp_path: Path) -> Gate:
    return gate(AccessSettings(), tmp_path)


def test_a_key_opens_its_application_and_nothing_else(keys: StreamKeys, door: Gate) -> None:
    _, key = keys.add("live", label="studio")
    assert door.decide(publishing(f"key={key}"), 0.0).allowed
    elsewhere = door.decide(publishing(f"key={key}", "school/cam"), 0.0)
    assert not elsewhere.allowed
    assert "another stream" in elsewhere.reason


def test_a_key_may_be_for_one_stream(keys: StreamKeys, door: Gate) -> None:
    _, key = keys.add("live", "cam")
    assert door.decide(publishing(f"key={key}", "live/cam"), 0.0).allowed
    assert not door.decide(publishing(f"key={key}", "live/cam2"), 0.0).allowed


def test_the_key_of_the_first_start_goes_on_working(keys: StreamKeys, door: Gate) -> None:
    keys.add("live")
    assert door.decide(publishing(f"key={KEY}"), 0.0).allowed


def test_a_key_that_is_disabled_or_removed_opens_nothing(keys: StreamKeys, door: Gate) -> None:
    stored, key = keys.add("live")
    keys.disable(stored.id)
    assert "disabled" in door.decide(publishing(f"key={key}"), 0.0).reason
    keys.enable(stored.id)
    assert door.decide(publishing(f"key={key}"), 0.0).allowed
    keys.remove(stored.id)
    assert door.decide(publishing(f"key={key}"), 0.0).reason == "wrong key"
    assert not keys.list()


def test_after_rotation_the_new_key_may_take_over_and_the_old_one_is_wrong(
    keys: StreamKeys, door: Gate
) -> None:
    stored, old = keys.add("live")
    before = door.decide(publishing(f"key={old}"), 0.0)
    _, new = keys.rotate(stored.id)
    after = door.decide(publishing(f"key={new}"), 0.0)
    assert before.credential == after.credential
    assert door.decide(publishing(f"key={old}"), 0.0).reason == "wrong key"


def test_two_keys_are_two_credentials(keys: StreamKeys, door: Gate) -> None:
    shown = [keys.add("live")[1] for _ in range(2)]
    first, second = [door.decide(publishing(f"key={key}"), 0.0).credential for key in shown]
    assert first != second


def test_only_hashes_are_kept_and_for_the_owner_alone(keys: StreamKeys, tmp_path: Path) -> None:
    stored, key = keys.add("live", label="studio")
    path = tmp_path / STORE_FILE
    assert key not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert stored.hash not in repr(stored)


def test_a_store_that_is_garbled_leaves_the_server_with_what_it_knew(
    keys: StreamKeys, door: Gate, tmp_path: Path
) -> None:
    _, key = keys.add("live")
    assert door.decide(publishing(f"key={key}"), 0.0).allowed
    (tmp_path / STORE_FILE).write_text("{")
    assert door.decide(publishing(f"key={key}"), 0.0).allowed
    with pytest.raises(SlipstreamError, match="holds no keys"):
        keys.list()


def test_a_key_that_does_not_exist_cannot_be_changed(keys: StreamKeys) -> None:
    for change in (keys.rotate, keys.disable, keys.enable, keys.remove):
        with pytest.raises(SlipstreamError, match="no key 'x'"):
            change("x")
