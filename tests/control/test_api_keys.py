"""Stream keys over the API: told once, then only what they are for."""

from __future__ import annotations

from pathlib import Path
from time import time
from typing import Any

import orjson
import pytest

from slipstream.access import Store, StreamKeys
from slipstream.access.stream_keys import hash_of
from tests.control.stage import Stage, serving

KEYS = "/api/v1/keys"


async def make(stage: Stage, **wish: str) -> Any:
    response = await stage.get(KEYS, method="POST", body=orjson.dumps(wish))
    assert response.status == 201
    return await response.json()


async def test_a_key_is_told_when_it_is_made_and_never_again(tmp_path: Path) -> None:
    async with serving(folder=tmp_path) as stage:
        made = await make(stage, app="live", name="show", label="studio")
        (stored,) = StreamKeys(Store(tmp_path)).list()
        assert stored.hash == hash_of(made["key"])
        response = await stage.get(KEYS)
        assert made["key"] not in await response.text()
        assert stored.hash not in await response.text()
        (told,) = (await response.json())["keys"]
        assert told == made["stored"]
        assert (told["app"], told["name"], told["label"]) == ("live", "show", "studio")
        assert told["enabled"] is True


async def test_a_rotated_key_is_another_one_with_the_same_id(tmp_path: Path) -> None:
    async with serving(folder=tmp_path) as stage:
        made = await make(stage, app="*")
        path = f"{KEYS}/{made['stored']['id']}/rotate"
        rotated = await (await stage.get(path, method="POST")).json()
        assert rotated["stored"]["id"] == made["stored"]["id"]
        (stored,) = StreamKeys(Store(tmp_path)).list()
        assert stored.hash == hash_of(rotated["key"]) != hash_of(made["key"])


async def test_a_rotated_key_may_be_good_for_a_while(tmp_path: Path) -> None:
    async with serving(folder=tmp_path) as stage:
        made = await make(stage, app="live")
        path = f"{KEYS}/{made['stored']['id']}/rotate"
        answer = await stage.get(path, method="POST", body=b'{"overlap_s": 60}')
        assert answer.status == 200
        (stored,) = StreamKeys(Store(tmp_path)).list()
        assert stored.old_hash == hash_of(made["key"])
        assert 0 < stored.old_until - time() <= 60
        assert stored.old_hash not in await (await stage.get(KEYS)).text()
        assert (await stage.get(path, method="POST", body=b'{"overlap_s": -1}')).status == 400


async def test_a_key_is_disabled_enabled_and_removed(tmp_path: Path) -> None:
    async with serving(folder=tmp_path) as stage:
        one = f"{KEYS}/{(await make(stage, app='live'))['stored']['id']}"
        for turn, enabled in (("disable", False), ("enable", True)):
            told = await (await stage.get(f"{one}/{turn}", method="POST")).json()
            assert told["enabled"] is enabled
            (stored,) = StreamKeys(Store(tmp_path)).list()
            assert stored.enabled is enabled
        assert (await stage.get(one, method="DELETE")).status == 204
        assert StreamKeys(Store(tmp_path)).list() == ()
        for method, path in (("DELETE", one), ("POST", f"{one}/rotate"), ("POST", f"{one}/enable")):
            assert (await stage.get(path, method=method)).status == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"app": ""}', b'{"app": "a b"}', b'{"app": "live", "name": "/"}', b'{"app": 3}'],
)
async def test_a_key_for_what_can_be_no_stream_is_not_made(body: bytes, tmp_path: Path) -> None:
    async with serving(folder=tmp_path) as stage:
        assert (await stage.get(KEYS, method="POST", body=body)).status == 400
        assert (await stage.json(KEYS))["keys"] == []


async def test_a_damaged_store_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "access.json").write_text("[")
    async with serving(folder=tmp_path) as stage:
        response = await stage.get(KEYS, method="POST", body=b'{"app": "live"}')
        assert response.status == 500
        assert "access.json" in (await response.json())["detail"]
    assert (tmp_path / "access.json").read_text() == "["
