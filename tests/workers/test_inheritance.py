from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipstream.errors import SlipstreamError
from slipstream.workers import inheritance as module
from slipstream.workers.inheritance import (
    ELECTION_S,
    ORPHANED_S,
    REPLACING_S,
    START_S,
    VARIABLE,
    Inheritance,
    Succession,
)
from slipstream.workers.rendezvous import Office, Rendezvous
from tests.server import wait_until
from tests.workers.test_rendezvous import other_process

# What an heir does here: write down what it was left, and stay.
HEIR = """
import sys, json, time
from slipstream.workers.inheritance import Inheritance
from slipstream.workers.rendezvous import Office, Rendezvous
left = Inheritance.take()
place = Rendezvous.inherit(*left.rendezvous)
assert place.take(Office.SUPERVISOR)
print(json.dumps([left.generation, left.next_number, left.workers, sys.argv[1:]]), flush=True)
time.sleep(60)
"""


@pytest.fixture
def place() -> Iterator[Rendezvous]:
    place = Rendezvous.open()
    yield place
    place.close()


def left(place: Rendezvous) -> Inheritance:
    sock, locks = place.descriptors
    return Inheritance(
        arguments=["--workers=2"],
        config='{"server": {}}',
        rtmp={sock: ":1935"},
        http={locks: ":8080"},
        rendezvous=(sock, locks),
        ledger=(locks, 8),
        generation=3,
        next_number=7,
        workers={"5": [0, 50, 3], "6": [1, 60, 3]},
    )


def test_it_is_read_as_it_was_written(place: Rendezvous) -> None:
    file = left(place).write()
    assert Inheritance.read(file) == left(place)
    assert Inheritance.read(file) == left(place), "reading takes nothing away"
    os.close(file)


def test_it_is_taken_once(place: Rendezvous, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(left(place).write()))
    assert Inheritance.take() == left(place)
    assert Inheritance.take() is None
    assert VARIABLE not in os.environ


def test_another_version_s_is_refused(place: Rendezvous, monkeypatch: pytest.MonkeyPatch) -> None:
    file = left(place).write()
    monkeypatch.setattr(module, "PROTOCOL", "0-00000000")
    with pytest.raises(SlipstreamError, match=r"its workers speak 1-\w+, we 0-00000000"):
        Inheritance.read(file)
    os.close(file)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"nonsense", b"\xff"])
def test_what_cannot_be_read_is_refused(text: bytes) -> None:
    file = os.memfd_create("test")
    os.write(file, text)
    with pytest.raises(SlipstreamError, match="cannot take over"):
        Inheritance.read(file)
    os.close(file)


def test_a_generation_begins_when_all_workers_are_older(place: Rendezvous) -> None:
    assert not left(place).begins_generation
    assert replace(left(place), generation=4).begins_generation


class Orphan:
    """A worker without a supervisor, and its clock."""

    def __init__(
        self, place: Rendezvous, folder: Path, monkeypatch: pytest.MonkeyPatch, program: str
    ) -> None:
        self.now = 100.0
        self.gave_up = 0
        self._output = folder / "heir"
        monkeypatch.setattr(module, "monotonic", lambda: self.now)
        shell = f'exec "{sys.executable}" -c "$0" "$@" >> {self._output}'
        monkeypatch.setattr(module, "COMMAND", ("/bin/sh", "-c", shell, program))
        self.succession = Succession(left(place), place, self._give_up)

    def miss(self, for_s: float) -> None:
        """See that there has been no supervisor for so long."""
        self.succession.missing(for_s)

    def heirs(self) -> list[list[object]]:
        """What those wrote down that were started."""
        if not self._output.exists():
            return []
        return [json.loads(line) for line in self._output.read_text().splitlines()]

    def wait_until_started(self) -> None:
        wait_until(self.heirs, "an heir's start")

    def end(self) -> None:
        heir = self.succession._heir
        if heir is not None:
            heir.kill()
            heir.wait()

    def _give_up(self) -> None:
        self.gave_up += 1


@pytest.fixture
def orphan(place: Rendezvous, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orphan]:
    orphan = Orphan(place, tmp_path, monkeypatch, HEIR)
    yield orphan
    orphan.end()


def test_a_supervisor_that_is_missed_for_a_moment_is_not_replaced(orphan: Orphan) -> None:
    orphan.miss(ELECTION_S)
    assert orphan.succession._heir is None


def test_a_new_supervisor_is_left_all_that_the_worker_knows(
    orphan: Orphan, place: Rendezvous
) -> None:
    orphan.succession.census = {"6": [1, 60, 3], "11": [2, 110, 4]}
    orphan.miss(ELECTION_S + 0.1)
    orphan.wait_until_started()
    ((generation, next_number, workers, arguments),) = orphan.heirs()
    assert generation == 4, "the newest that there is"
    assert isinstance(next_number, int)
    assert next_number > 11
    assert workers == orphan.succession.census
    assert arguments == ["--workers=2"]
    assert place.is_taken(Office.SUPERVISOR)
    channel = orphan.succession.connect()
    assert channel is not None
    channel.close()


def test_while_one_worker_starts_a_supervisor_the_others_do_not(
    orphan: Orphan, place: Rendezvous
) -> None:
    with other_process(lambda: place.take(Office.ELECTOR)):
        orphan.miss(5)
        assert orphan.succession._heir is None
    orphan.miss(5)
    assert orphan.succession._heir is not None


def test_only_one_is_started_at_a_time(orphan: Orphan) -> None:
    for _ in range(20):
        orphan.miss(5)
        orphan.now += START_S / 20
    orphan.wait_until_started()
    assert len(orphan.heirs()) == 1


def test_one_that_fails_leaves_the_turn_to_another_worker(
    place: Rendezvous, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = Orphan(place, tmp_path, monkeypatch, "raise SystemExit(1)")
    orphan.miss(1)
    assert orphan.succession._heir is not None
    orphan.succession._heir.wait()
    with other_process(lambda: place.take(Office.ELECTOR)) as taken:
        assert not taken
    orphan.miss(1.1)
    with other_process(lambda: place.take(Office.ELECTOR)) as taken:
        assert taken


def test_one_that_is_being_replaced_is_waited_for(orphan: Orphan) -> None:
    orphan.succession.announce()
    orphan.now += REPLACING_S - 1
    orphan.miss(REPLACING_S - 1)
    assert orphan.succession._heir is None
    orphan.now += 2
    orphan.miss(REPLACING_S + 1)
    assert orphan.succession._heir is not None


def test_a_worker_that_cannot_have_a_supervisor_gives_up(orphan: Orphan) -> None:
    orphan.miss(ORPHANED_S)
    assert not orphan.gave_up
    orphan.miss(ORPHANED_S + 1)
    assert orphan.gave_up


def test_a_worker_that_is_going_away_starts_none(orphan: Orphan) -> None:
    orphan.succession.abstain()
    orphan.miss(ORPHANED_S + 1)
    assert orphan.succession._heir is None
    assert not orphan.gave_up


def test_without_a_supervisor_nobody_is_connected_to(orphan: Orphan, place: Rendezvous) -> None:
    assert orphan.succession.connect() is None
    with other_process(lambda: place.take(Office.SUPERVISOR)):
        channel = orphan.succession.connect()
        assert channel is not None
        channel.close()
