"""What was added at run time lies in a file, which all workers share."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from slipstream.errors import SlipstreamError
from slipstream.relays import RelayKind, RelayStore, Rule
from slipstream.relays.store import FILE, MAX_RULES, Kept

RULE = Rule(RelayKind.PUSH, "live/a", "rtmp://example.com/live/key")
OTHER = Rule(RelayKind.PULL, "far/*", "rtmp://example.com/live/{name}", on_demand=True)


def adding(rule: Rule) -> object:
    return lambda kept: replace(kept, rules=(*kept.rules, rule))


def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert RelayStore(tmp_path).read() == Kept()
    assert not list(tmp_path.iterdir())


def test_what_one_worker_changes_the_others_read(tmp_path: Path) -> None:
    one, other = RelayStore(tmp_path), RelayStore(tmp_path)
    one.change(adding(RULE))  # type: ignore[arg-type]
    assert other.read().rules == (RULE,)
    other.change(adding(OTHER))  # type: ignore[arg-type]
    one.change(lambda kept: replace(kept, stopped=frozenset({RULE.id})))
    for store in (one, other, RelayStore(tmp_path)):
        assert store.read() == Kept((RULE, OTHER), frozenset({RULE.id}))


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    RelayStore(tmp_path).change(adding(RULE))  # type: ignore[arg-type]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", '{"relays": [1]}', '{"relays": [{"kind": "x"}]}'])
def test_a_file_that_is_none_of_ours_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    store = RelayStore(tmp_path)
    store.change(adding(RULE))  # type: ignore[arg-type]
    assert store.read().rules == (RULE,)
    path = tmp_path / FILE
    path.write_text(content)
    os.utime(path, ns=(1, 1))
    assert store.read().rules == (RULE,)
    with pytest.raises(SlipstreamError, match=r"relays\.json cannot be changed"):
        store.change(adding(OTHER))  # type: ignore[arg-type]
    assert path.read_text() == content


def test_there_is_a_limit(tmp_path: Path) -> None:
    many = tuple(replace(RULE, stream=f"live/{number}") for number in range(MAX_RULES))
    store = RelayStore(tmp_path)
    store.change(lambda _: Kept(many))
    with pytest.raises(SlipstreamError, match="the limit"):
        store.change(adding(RULE))  # type: ignore[arg-type]
    assert len(json.loads((tmp_path / FILE).read_text())["relays"]) == MAX_RULES
