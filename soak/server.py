"""A server of several workers under test, as seen from outside: its processes and what they hold.

    with running_tree(workers=2, streams={"grace_s": 4}) as tree:
        tree.server                  # addresses, API, log
        tree.look()                  # memory, log segments, descriptors, processor time
        tree.whereabouts()           # which process has which client, by the client's port
        tree.ask_every_worker("streams")

Everything but the API's answers is read from /proc, whatever the server says of itself.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import stat
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from bench.machine import TICKS_PER_S, process_tree
from tests.server import RunningServer, running_server, wait_until

from .connection import Place

INSIDE = Path(__file__).parent / "inside"
LOG_FILE = "/memfd:slipstream-log"
PATIENT_MS = 60_000
MAX_ASKED = 200  # connections made to reach every worker
ESTABLISHED = "01"
RTMPS = """
[server]
rtmps = "127.0.0.1:0"
https = ""
[tls]
certificates = "auto"
"""


class Held(NamedTuple):
    """What all processes of the server hold together."""

    processes: int
    private_bytes: int  # PSS: pages shared by n processes count for an n-th in each
    file_bytes: int  # in memory files, each counted once
    segments: int  # memory files of logs, each counted once
    descriptors: int
    threads: int
    cpu_s: float

    @property
    def memory_bytes(self) -> int:
        """All of it."""
        return self.private_bytes + self.file_bytes


class Holdings(NamedTuple):
    """What one process holds inside."""

    tasks: int  # and other futures that wait for something
    objects: int  # that the collector knows
    kinds: dict[str, int]  # the most numerous types


class ServerTree:
    """Made by `running_tree()`."""

    def __init__(self, server: RunningServer, folder: Path, *, encrypted: bool) -> None:
        self.server = server
        self.rtmp = Place(server.host, server.rtmp_port)
        rtmps_port = server.rtmps_port if encrypted else 0
        self.rtmps = Place(server.host, rtmps_port, encrypted=True)
        self.http = Place(server.host, server.http_port)
        self._folder = folder

    # Processes

    @property
    def supervisor(self) -> int:
        """Its process."""
        return self.server.process.pid

    def workers(self) -> dict[int, int]:
        """The workers that the API tells of: process by number."""
        rows = self.server.api("server")["workers"]
        return {row["number"]: row["pid"] for row in rows if row["ready"]}

    def children(self) -> set[int]:
        """All processes that the supervisor has started and that live."""
        return {pid for pid in process_tree(self.supervisor) if pid != self.supervisor}

    # What they hold

    def look(self) -> Held:
        """Look at everything once. A process that ends meanwhile is left out."""
        held = Held(0, 0, 0, 0, 0, 0, 0.0)
        files: dict[int, tuple[int, bool]] = {}
        for pid in list(process_tree(self.supervisor)):
            try:
                folder = Path(f"/proc/{pid}")
                descriptors = _descriptors(pid, files)
                held = held._replace(
                    processes=held.processes + 1,
                    private_bytes=held.private_bytes + _pss_bytes(folder),
                    descriptors=held.descriptors + descriptors,
                    threads=held.threads + len(os.listdir(folder / "task")),
                    cpu_s=held.cpu_s + _cpu_s(folder),
                )
            except (FileNotFoundError, ProcessLookupError):
                continue
        return held._replace(
            file_bytes=sum(size for size, _ in files.values()),
            segments=sum(is_log for _, is_log in files.values()),
        )

    def descriptors(self) -> dict[int, dict[str, int]]:
        """How many descriptors of each kind each process has, to find out what is left over."""
        return {pid: dict(_kinds(pid)) for pid in process_tree(self.supervisor)}

    def holdings(self) -> dict[int, Holdings]:
        """What each worker holds inside, by process; they are asked by a signal."""
        folder = self._folder / "holdings"
        found = {}
        for pid in self.workers().values():
            file = folder / str(pid)
            file.unlink(missing_ok=True)
            os.kill(pid, signal.SIGUSR1)
            wait_until(file.exists, f"an answer of process {pid}")
            found[pid] = Holdings(**json.loads(file.read_text()))
        return found

    def whereabouts(self) -> dict[int, int]:
        """The process that has each client's connection, by the client's port."""
        owners: dict[int, int] = {}
        for pid in self.children():
            for inode in _sockets(pid):
                owners[inode] = pid
        found = {}
        ports = {self.rtmp.port, self.rtmps.port, self.http.port}
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            local, remote, state, inode = words[1], words[2], words[3], int(words[9])
            if state == ESTABLISHED and _port(local) in ports and inode in owners:
                found[_port(remote)] = owners[inode]
        return found

    # What they are told, and what they say

    def write_settings(self, text: str) -> None:
        """Put another configuration file in the place of the server's."""
        draft = self._folder / "slipstream.toml.new"
        draft.write_text(text)
        draft.replace(self._folder / "slipstream.toml")

    def ask_every_worker(self, path: str) -> dict[int, Any]:
        """The answer of each worker to `GET /api/v1/{path}`, by process."""
        wanted = set(self.workers().values())
        answers: dict[int, Any] = {}
        with ExitStack() as stack:
            for _ in range(MAX_ASKED):
                connection = http.client.HTTPConnection(self.http.host, self.http.port, timeout=20)
                stack.callback(connection.close)
                headers = {"Authorization": f"Bearer {self.server.token}"}
                connection.request("GET", f"/api/v1/{path}", headers=headers)
                answer = connection.getresponse().read()
                pid = self.whereabouts().get(connection.sock.getsockname()[1], 0)
                if pid in wanted:
                    answers[pid] = json.loads(answer)
                if len(answers) == len(wanted):
                    return answers
        raise AssertionError(f"of {wanted} only {set(answers)} answered")


@contextmanager
def running_tree(
    workers: int, apps: str = "", *, encrypted: bool = False, **settings: Mapping[str, float]
) -> Iterator[ServerTree]:
    """A server with so many workers, until the end of the block.

    Viewers are left as far behind as they fall: they share the machine with the server, and what
    they are late by is not to be made up for by leaving messages out.

    Args:
        workers: how many.
        apps: settings of applications, as the configuration file has them.
        encrypted: it speaks RTMPS, too.
        settings: the rest of it, table by table.

    Raises:
        AssertionError: it did not start, ended by itself, or met a bug of its own.
    """
    with tempfile.TemporaryDirectory(prefix="slipstream-soak-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "holdings").mkdir()
        with _environment(
            PYTHONPATH=os.pathsep.join((str(INSIDE), os.environ.get("PYTHONPATH", ""))),
            SOAK_HOLDINGS=str(folder / "holdings"),
        ):
            flags = ("--workers", str(workers))
            text = "\n".join((_toml(settings), apps, RTMPS if encrypted else ""))
            server = stack.enter_context(running_server(folder, *flags, settings=text))
        yield ServerTree(server, folder, encrypted=encrypted)


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """The environment with these variables, until the end of the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _toml(settings: Mapping[str, Mapping[str, float]]) -> str:
    tables = {
        **settings,
        "streams": {"latency_ceiling_ms": PATIENT_MS, **settings.get("streams", {})},
    }
    lines = []
    for table, values in tables.items():
        lines += [f"[{table}]", *(f"{name} = {value}" for name, value in values.items())]
    return "\n".join(lines)


def _descriptors(pid: int, files: dict[int, tuple[int, bool]]) -> int:
    """Count a process's descriptors; add its memory files: by inode, size and if it is a log's."""
    count = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        count += 1
        try:
            target = os.readlink(descriptor)
            if not target.startswith("/memfd:"):
                continue
            status = descriptor.stat()
        except FileNotFoundError:  # closed while we looked
            continue
        if stat.S_ISREG(status.st_mode):
            files[status.st_ino] = status.st_blocks * 512, target.startswith(LOG_FILE)
    return count


def _kinds(pid: int) -> Counter[str]:
    """A process's descriptors by kind; established connections by themselves."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    states = {int(words[9]): words[3] for words in map(str.split, lines)}
    kinds: Counter[str] = Counter()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            target = os.readlink(descriptor)
            kind = target.partition(" ")[0].rstrip("0123456789]")
            if target.startswith("socket:["):
                state = states.get(int(target[8:-1]))
                kind = "unix socket" if state is None else f"tcp socket in state {state}"
            kinds[kind] += 1
    return kinds


def _sockets(pid: int) -> Iterator[int]:
    """The inodes of a process's sockets."""
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(descriptor)
            except FileNotFoundError:
                continue
            if target.startswith("socket:["):
                yield int(target[8:-1])
    except FileNotFoundError:
        return


def _pss_bytes(folder: Path) -> int:
    for line in (folder / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) << 10
    return 0


def _cpu_s(folder: Path) -> float:
    words = (folder / "stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS_PER_S


def _port(address: str) -> int:
    return int(address.partition(":")[2], 16)


def until(moment_s: float) -> None:
    """Wait until a moment of the monotonic clock."""
    time.sleep(max(moment_s - time.monotonic(), 0))
