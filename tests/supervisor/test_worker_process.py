from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from slipstream.supervisor.worker_process import (
    START_S,
    WATCHDOG_S,
    WorkerProcess,
    exists,
    is_child,
    reap_others,
)
from tests.server import PATIENCE_S, wait_until

NOW = 1000.0


def child(code: int | None = None) -> int:
    """A child that ends with a code, or waits to be killed."""
    pid = os.fork()
    if not pid:
        if code is None:
            signal.pause()
        os._exit(code or 0)
    return pid


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    worker = WorkerProcess(1, 0, 1, child(), NOW)
    yield worker
    worker.send_signal(signal.SIGKILL)
    wait_for_end(worker)
    worker.reap()
    worker.close()


def wait_for_end(worker: WorkerProcess) -> None:
    assert select.select([worker], [], [], PATIENCE_S)[0]


def test_it_has_time_to_start_and_then_must_give_signs_of_life(worker: WorkerProcess) -> None:
    assert worker.deadline == NOW + START_S
    worker.lives(NOW + 1)
    assert worker.deadline == NOW + START_S, "it is not ready yet"
    worker.ready = True
    worker.lives(NOW + 2)
    assert worker.deadline == NOW + 2 + WATCHDOG_S


def test_its_descriptor_tells_of_its_end(worker: WorkerProcess) -> None:
    assert not select.select([worker], [], [], 0)[0]
    worker.send_signal(signal.SIGKILL)
    wait_for_end(worker)
    assert worker.reap() == "SIGKILL"
    worker.send_signal(signal.SIGKILL)  # which hurts nobody any more


@pytest.mark.parametrize("code", [0, 3])
def test_its_exit_code_is_known(code: int) -> None:
    worker = WorkerProcess(1, 0, 1, child(code), NOW)
    wait_for_end(worker)
    assert worker.reap() == str(code)
    worker.close()


def test_of_somebody_else_s_child_only_the_end_is_known() -> None:
    program = "import os, signal\nif pid := os.fork(): print(pid, flush=True)\nsignal.pause()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        worker = WorkerProcess(1, 0, 1, pid, NOW)
        assert not is_child(pid)
        assert is_child(parent.pid)
        worker.send_signal(signal.SIGKILL)
        wait_for_end(worker)
        assert worker.reap() == "unknown"
        worker.close()
        parent.kill()


def test_a_process_that_is_no_more_cannot_be_a_worker() -> None:
    pid = child(0)
    os.waitpid(pid, 0)
    with pytest.raises(OSError, match="No such process"):
        WorkerProcess(1, 0, 1, pid, NOW)


def test_a_process_is_there_until_it_is_reaped() -> None:
    pid = child(0)
    assert exists(pid)
    assert exists(1)
    os.waitpid(pid, 0)
    assert not exists(pid)


def test_other_children_are_reaped_and_known_ones_left_alone() -> None:
    other, known = child(0), child(0)
    reaped: list[int] = []

    def all_reaped() -> bool:
        reaped.extend(reap_others({known}))
        return other in reaped

    wait_until(all_reaped, "the other child's end")
    assert reaped == [other]
    assert os.waitpid(known, 0) == (known, 0)
