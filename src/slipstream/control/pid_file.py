"""`slipstream.pid` in the data folder: which process serves, for `slipstream replace` and
`slipstream reload`.

The first line is the process, the second when it began (in clock ticks since the machine's
start, /proc/PID/stat): a file that was left behind never leads to a process that has got the
same number.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipstream.errors import SlipstreamError

PID_FILE = "slipstream.pid"
STARTED_FIELD = 19  # of /proc/PID/stat, behind the name in brackets


@contextmanager
def pid_file(folder: Path) -> Iterator[None]:
    """Keep the file for this process while the block runs; one that cannot be is left out."""
    path = folder / PID_FILE
    ours = f"{os.getpid()}\n{_started(os.getpid())}\n"
    try:
        _write(path, ours)
    except OSError:  # the folder may have become read-only; the server serves without the file
        yield
        return
    try:
        yield
    finally:
        try:
            if path.read_text() == ours:
                path.unlink()
        except OSError:
            pass


def send_signal(number: signal.Signals, *, folder: Path | None = None, pid: int = 0) -> int:
    """Send a signal to a server; return its process.

    Args:
        number: of the signal.
        folder: the server's data folder, where its file is.
        pid: the server's process, instead.

    Raises:
        SlipstreamError: there is none, or it is somebody else's.
    """
    started = 0
    if folder is not None:
        pid, started = _read(folder / PID_FILE)
    try:
        process = os.pidfd_open(pid)  # from here on it is this very process
    except OSError as error:
        raise SlipstreamError(f"there is no process {pid}") from error
    try:
        if folder is not None and _started(pid) != started:
            raise SlipstreamError(f"no server serves from {folder}: its {PID_FILE} is left over")
        if not _is_server(pid):
            raise SlipstreamError(f"process {pid} is no server of ours")
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError as error:
        raise SlipstreamError(f"there is no process {pid}") from error
    except PermissionError as error:
        raise SlipstreamError(f"process {pid} belongs to another user") from error
    finally:
        os.close(process)
    return pid


def serving_process(folder: Path) -> int | None:
    """The process that serves from a data folder; None: none does."""
    try:
        pid, started = _read(folder / PID_FILE)
    except SlipstreamError:
        return None
    return pid if started and _started(pid) == started else None


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def _read(path: Path) -> tuple[int, int]:
    """The process that wrote a file, and when that began."""
    try:
        pid, started = map(int, path.read_text().split())
    except OSError as error:
        raise SlipstreamError(f"no server serves from {path.parent}: {error.strerror}") from error
    except ValueError as error:
        raise SlipstreamError(f"{path} names no process") from error
    return pid, started


def _started(pid: int) -> int:
    """When a process began; 0 if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[STARTED_FIELD])


def _is_server(pid: int) -> bool:
    """Whether a process was started as `slipstream serve`."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"serve" in command and any(b"slipstream" in word for word in command)
