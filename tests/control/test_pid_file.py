from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slipstream.control.pid_file import PID_FILE, pid_file, send_signal
from slipstream.errors import SlipstreamError

SERVER = """
import signal, sys, pathlib
from slipstream.control.pid_file import pid_file
with pid_file(pathlib.Path(sys.argv[1])):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    print("ready", flush=True)
    print(signal.sigwait([signal.SIGUSR2]).name)
"""


@contextmanager
def server(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process that serves from a folder, as far as its file and its command line tell."""
    command = [sys.executable, "-c", SERVER, str(folder), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_file_is_there_for_its_owner_while_the_server_is(tmp_path: Path) -> None:
    with pid_file(tmp_path):
        file = tmp_path / PID_FILE
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text().splitlines()[0] == str(os.getpid())
    assert list(tmp_path.iterdir()) == []


def test_another_server_s_file_is_left_alone(tmp_path: Path) -> None:
    with pid_file(tmp_path):
        (tmp_path / PID_FILE).write_text("1\n2\n")
    assert (tmp_path / PID_FILE).read_text() == "1\n2\n"


def test_a_left_over_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / PID_FILE).write_text("1\n2\n")
    with pid_file(tmp_path):
        assert (tmp_path / PID_FILE).read_text().splitlines()[0] == str(os.getpid())


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    with pid_file(tmp_path / "not there"):
        pass


def test_the_server_of_a_folder_gets_the_signal(tmp_path: Path) -> None:
    with server(tmp_path, "slipstream", "serve") as process:
        assert send_signal(signal.SIGUSR2, folder=tmp_path) == process.pid
        assert heard(process) == "SIGUSR2"


def test_a_server_named_by_its_process_gets_the_signal(tmp_path: Path) -> None:
    with server(tmp_path, "slipstream", "serve") as process:
        assert send_signal(signal.SIGUSR2, pid=process.pid) == process.pid
        assert heard(process) == "SIGUSR2"


def test_other_programs_get_none(tmp_path: Path) -> None:
    with server(tmp_path, "some", "thing") as process:
        for where in ({"pid": process.pid}, {"folder": tmp_path}):
            with pytest.raises(SlipstreamError, match="is no server of ours"):
                send_signal(signal.SIGUSR2, **where)  # type: ignore[arg-type]
        process.send_signal(signal.SIGKILL)


def test_a_process_that_has_got_the_number_of_a_dead_server_gets_none(tmp_path: Path) -> None:
    with server(tmp_path, "slipstream", "serve") as process:
        (tmp_path / PID_FILE).write_text(f"{process.pid}\n123\n")  # began at another time
        with pytest.raises(SlipstreamError, match="left over"):
            send_signal(signal.SIGUSR2, folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no process"),
        ("nonsense\n", "names no process"),
        ("4194304\n5\n", "there is no process 4194304"),  # one more than there can be
    ],
)
def test_a_file_that_leads_nowhere_is_told(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / PID_FILE).write_text(text)
    with pytest.raises(SlipstreamError, match=problem):
        send_signal(signal.SIGUSR2, folder=tmp_path)


def test_no_file_is_no_server(tmp_path: Path) -> None:
    with pytest.raises(SlipstreamError, match=f"no server serves from {tmp_path}"):
        send_signal(signal.SIGUSR2, folder=tmp_path)
