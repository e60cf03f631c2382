"""What a supervisor does with workers that behave, and with those that do not."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.server import PATIENCE_S
from tests.supervisor.stand_in import Cast, cast


def stop(running: Cast) -> None:
    running.process.send_signal(signal.SIGTERM)


def test_it_starts_its_workers_and_ends_with_them(tmp_path: Path) -> None:
    with cast(tmp_path, "steady") as running:
        running.wait_for("ready")
        stop(running)
        assert running.process.wait(PATIENCE_S) == 0
        assert running.count("worker.start") == 2
        assert running.count("worker.end .*code=0") == 2


def test_a_worker_that_does_not_get_ready_in_time_is_replaced(tmp_path: Path) -> None:
    with cast(tmp_path, "silent", START_S=0.5) as running:
        running.wait_for(r"worker\.blocked", times=3)
        running.wait_for(r"worker\.died .*code=SIGKILL", times=2)
        assert "ready" not in running.log()
        stop(running)
        assert running.process.wait(PATIENCE_S) == 0


def test_workers_that_end_at_once_are_started_less_and_less_often(tmp_path: Path) -> None:
    with cast(tmp_path, "short-lived") as running:
        running.wait_for(r"worker\.died .*code=3 ", times=14)
        starts = running.count("worker.start")
        time.sleep(1)  # both wait for 2 s by now
        assert running.count("worker.start") <= starts + 2
        stop(running)
        assert running.process.wait(PATIENCE_S) == 0


def test_a_bug_in_a_worker_is_told_and_stays_there(tmp_path: Path) -> None:
    with cast(tmp_path, "faulty") as running:
        running.wait_for(r'worker\.bug .*error="RuntimeError: a bug"')
        running.wait_for(r"worker\.died .*code=1 ")
        stop(running)
        assert running.process.wait(PATIENCE_S) == 0


def test_workers_that_do_not_end_are_killed(tmp_path: Path) -> None:
    with cast(tmp_path, "stubborn", KILL_AFTER_S=0.5) as running:
        running.wait_for("ready")
        stop(running)
        assert running.process.wait(PATIENCE_S) == 0
        assert running.count(r"worker\.killed") == 2
        assert running.count(r"worker\.end .*code=SIGKILL") == 2


def test_told_twice_it_kills_them_soon(tmp_path: Path) -> None:
    with cast(tmp_path, "stubborn", KILL_AFTER_S=600, HURRY_S=0.5) as running:
        running.wait_for("ready")
        stop(running)
        running.wait_for("server.stopping")
        stop(running)
        assert running.process.wait(PATIENCE_S) == 0
        assert running.count(r"worker\.killed") == 2


def test_ctrl_c_stops_it_as_well(tmp_path: Path) -> None:
    with cast(tmp_path, "steady") as running:
        running.wait_for("ready")
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(PATIENCE_S) == 0


def test_workers_are_not_to_blame_when_the_supervisor_itself_was_away(tmp_path: Path) -> None:
    with cast(tmp_path, "steady", WATCHDOG_S=0.5, LATE_S=0.3) as running:
        running.wait_for("ready")
        running.process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        running.process.send_signal(signal.SIGCONT)
        time.sleep(1)
        assert "worker.blocked" not in running.log()
        stop(running)
        assert running.process.wait(PATIENCE_S) == 0
