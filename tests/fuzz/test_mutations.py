"""What the mutator makes of recorded conversations."""

from __future__ import annotations

from random import Random

import pytest

from fuzz import mutations
from fuzz.mutations import FOLDER, MUTATIONS, Part, Parts, conversations, mutated

NAMES = [name for name, _ in conversations()]


def said(parts: Parts) -> bytes:
    return b"".join(part.data for part in parts)


@pytest.mark.parametrize("name", NAMES)
def test_a_conversation_is_taken_apart_and_nothing_is_lost(name: str) -> None:
    parts = dict(conversations())[name]
    assert said(list(parts)) == (FOLDER / f"{name}.rtmp").read_bytes()
    assert sum(part.wait for part in parts) >= 4  # handshake, connect, createStream, and the goal
    assert {part.data[0] & 0x3F for part in parts[2:]} <= set(range(2, 20))


def test_a_seed_gives_the_same_conversation_again() -> None:
    first = [mutated(Random(f"seed/{number}")) for number in range(50)]
    assert first == [mutated(Random(f"seed/{number}")) for number in range(50)]
    assert len({said(parts) for _, parts in first}) > 45


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_each_mutation_changes_something(mutation: object) -> None:
    parts = list(dict(conversations())["publish-ffmpeg-5"])[:40]
    assert callable(mutation)
    changed = [said(mutation(parts, Random(number))) != said(parts) for number in range(30)]
    assert sum(changed) > 15


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_mutations_may_follow_each_other_for_long(mutation: object) -> None:
    assert callable(mutation)
    parts = [Part(b"\x03" * 1537, wait=True), Part(b""), Part(b"\xc3" + bytes(20), 1)]
    for number in range(30):
        if not (parts := mutation(parts, Random(number))[:50]):
            break
        assert all(len(part.data) < 1 << 20 for part in parts)


def test_streams_have_names_of_their_own() -> None:
    names = {said(mutated(Random(number))[1]).count(mutations.NAME) for number in range(100)}
    assert names == {0}
