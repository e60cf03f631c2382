from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from slipstream.supervisor.team import Team
from slipstream.supervisor.worker_process import WorkerProcess

NOW = 1000.0
GENERATION = 2


class Workers:
    """Makes workers; the process of all of them is this one."""

    def __init__(self) -> None:
        self._made: list[WorkerProcess] = []

    def __call__(self, number: int, slot: int, generation: int = GENERATION) -> WorkerProcess:
        worker = WorkerProcess(number, slot, generation, os.getpid(), NOW)
        worker.ready = True
        self._made.append(worker)
        return worker

    def close(self) -> None:
        for worker in self._made:
            worker.close()


@pytest.fixture
def make() -> Iterator[Workers]:
    workers = Workers()
    yield workers
    workers.close()


def team_of(size: int, *workers: WorkerProcess) -> Team:
    team = Team(size, GENERATION)
    for worker in workers:
        team.workers[worker.number] = worker
    return team


def indexes(team: Team) -> list[int]:
    return [slot.index for slot in team.slots]


def test_a_new_team_has_empty_slots() -> None:
    team = team_of(3)
    assert not team.is_complete, "it has none yet"
    team.form([])
    assert indexes(team) == [0, 1, 2]
    assert team.empty_slots(NOW) == team.slots
    assert not team.is_complete


def test_a_new_generation_takes_other_slots_than_the_one_that_drains(make: Workers) -> None:
    old = [make(1, 0, generation=1), make(2, 1, generation=1)]
    team = team_of(2, *old)
    team.form([])
    assert indexes(team) == [2, 3]
    assert team.outgoing() == old


def test_slots_of_workers_that_are_not_heard_of_are_left_alone(make: Workers) -> None:
    team = team_of(3, make(1, 1, generation=1))
    team.form(taken=[0, 3])
    assert indexes(team) == [2, 4, 5]


def test_workers_that_are_there_keep_their_slots(make: Workers) -> None:
    there = make(7, 4)
    team = team_of(2, there)
    team.form([])
    assert indexes(team) == [4, 0]
    assert [slot.worker for slot in team.slots] == [7, 0]
    assert team.outgoing() == []


def test_workers_beyond_the_size_are_to_go(make: Workers) -> None:
    workers = [make(number, number) for number in range(1, 4)]
    team = team_of(2, *workers)
    team.form([])
    assert team.outgoing() == [workers[2]]


def test_it_is_complete_when_every_slot_s_worker_is_ready(make: Workers) -> None:
    one, two = make(1, 0), make(2, 1)
    team = team_of(2, one, two)
    team.form([])
    assert team.is_complete
    two.ready = False
    assert not team.is_complete
    two.ready = True
    del team.workers[2]
    assert not team.is_complete


def test_slots_are_filled_when_they_are_due(make: Workers) -> None:
    worker = make(1, 0)
    team = team_of(1, worker)
    team.form([])
    slot = team.slot_of(worker)
    assert slot is not None
    for _ in range(4):
        slot.vacated(0.0, NOW)
    assert team.empty_slots(NOW) == []
    assert team.empty_slots(slot.due) == [slot]


def test_the_census_names_them_all(make: Workers) -> None:
    team = team_of(1, make(1, 0, generation=1), make(5, 2))
    assert team.census() == {"1": [0, os.getpid(), 1], "5": [2, os.getpid(), GENERATION]}


def test_a_worker_that_is_adopted_is_as_old_as_its_process(make: Workers) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        young = WorkerProcess(2, 1, GENERATION, child.pid, NOW)
        assert make(1, 0).started_at < young.started_at <= NOW
        assert young.started_at > NOW - 60
        young.close()
        child.kill()
