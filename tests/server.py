"""The server under test: a process of its own, on free ports of 127.0.0.1.

    with running_server(folder, "--allow-anonymous-publish", settings=toml) as server:
        server.publish_url("live/a"), server.play_url("live/a"), server.flv_url("live/a")
        server.stream("live/a")        # what the API knows of it
        server.memory_bytes(), server.descriptors(), server.log()

Nothing is left over from one start to the next: the folder holds its keys and its log. The server
has two workers unless the environment's SLIPSTREAM_TEST_WORKERS says otherwise; what it costs is
summed over all its processes.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 10
PATIENCE_S = 20.0  # for whatever is certain to happen; a machine may be busy
LOOK_EVERY_S = 0.02
WORKERS = int(os.environ.get("SLIPSTREAM_TEST_WORKERS", "2"))

_PORTS = re.compile(r"server +rtmp://[^/]+:(\d+)/.*http://[^/]+:(\d+)/", re.DOTALL)


def wait_until(condition: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
    """Return as soon as `condition()` holds; fail, naming `what`, if it does not in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {within_s:g} s")
        time.sleep(LOOK_EVERY_S)


class RunningServer:
    """Made by `running_server()`."""

    host = "127.0.0.1"

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
        self.process = process
        self.supervisor_was_killed = self.was_killed = False
        self._folder = folder
        self._log = log
        self._await_start()
        match = _PORTS.search(self.log())
        assert match is not None, f"no addresses in what it prints:\n{self.log()}"
        self.rtmp_port, self.http_port = int(match[1]), int(match[2])
        self.key = (folder / "publish.key").read_text().strip()
        self.token = (folder / "api.token").read_text().strip()

    # Addresses

    def publish_url(self, stream: str) -> str:
        """Where to publish `app/name`, with the key."""
        return f"{self.play_url(stream)}?key={self.key}"

    def play_url(self, stream: str) -> str:
        """Where to watch `app/name` over RTMP."""
        return f"rtmp://{self.host}:{self.rtmp_port}/{stream}"

    @property
    def rtmps_port(self) -> int:
        """Where it speaks RTMPS, if it does."""
        return self._port("rtmps")

    @property
    def https_port(self) -> int:
        """Where it speaks HTTPS, if it does."""
        return self._port("https")

    def _port(self, scheme: str) -> int:
        match = re.search(rf"{scheme}://127\.0\.0\.1:(\d+)/", self.log())
        assert match is not None, f"no {scheme} in what it prints:\n{self.log()}"
        return int(match[1])

    def flv_url(self, stream: str) -> str:
        """Where to watch `app/name` over HTTP-FLV."""
        return f"http://{self.host}:{self.http_port}/{stream}.flv"

    # What it says of itself

    def log(self) -> str:
        """All that it has printed so far."""
        return self._log.read_text(errors="replace")

    def wait_for_log(self, pattern: str) -> None:
        """Wait for a line that `pattern` matches."""
        wait_until(lambda: re.search(pattern, self.log()), f"a line like {pattern!r}")

    def api(self, path: str) -> Any:
        """The answer to `GET /api/v1/{path}`; None if there is no such thing."""
        url = f"http://{self.host}:{self.http_port}/api/v1/{path}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def metrics(self) -> str:
        """The page of all metrics."""
        url = f"http://{self.host}:{self.http_port}/metrics"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            return str(response.read().decode())

    def metric(self, name: str) -> float:
        """The value of a metric without labels, `slipstream_NAME`."""
        match = re.search(rf"^slipstream_{name} (\S+)$", self.metrics(), re.MULTILINE)
        assert match is not None, f"no metric {name}"
        return float(match[1])

    def stream(self, name: str) -> Any:
        """What the API tells of the stream `app/name`; None if there is none."""
        answer = self.api(f"streams/{name}")
        return None if answer is None else answer["stream"]

    def wait_for_viewers(self, name: str, count: int, *, started: bool | None = None) -> None:
        """Wait until `app/name` has so many viewers, served or waiting or (None) either."""

        def enough() -> bool:
            stream = self.stream(name)
            if stream is None:
                return count == 0
            viewers, waiting = stream["viewers"], stream["waiting_viewers"]
            return bool(count == {None: viewers, True: viewers - waiting, False: waiting}[started])

        wait_until(enough, f"{count} viewers of {name}")

    # What it costs

    def pids(self) -> list[int]:
        """Its processes: the supervisor, or all there is, then its workers."""
        first = self.supervisor_pid()
        return [first, *(pid for pid in _processes(self._folder) if pid != first)]

    def supervisor_pid(self) -> int:
        """The process that commands are for, as its file says."""
        return int((self._folder / "slipstream.pid").read_text().split()[0])

    def worker_pids(self) -> dict[int, int]:
        """The processes of all workers that there are and answer, by number."""
        return {worker["number"]: worker["pid"] for worker in self.api("server")["workers"]}

    def memory_bytes(self) -> int:
        """What its processes hold alone, and their share of the rest (PSS)."""
        total = 0
        for pid in self.pids():
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            match = re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)
            assert match is not None
            total += int(match[1]) << 10
        return total

    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.pids())

    def cpu_s(self) -> float:
        """Seconds of a processor that it has used so far."""
        ticks = 0
        for pid in self.pids():
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(stat[11]) + int(stat[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    # Its end

    def terminate(self) -> int:
        """Ask it to end; return its exit code, 0 if nobody is there to know it."""
        os.kill(self.supervisor_pid(), signal.SIGTERM)
        if not self.supervisor_was_killed:
            return self.process.wait(STOP_TIMEOUT_S)
        wait_until(lambda: not _processes(self._folder), "the end of all its processes")
        return 0

    def kill_supervisor(self) -> None:
        """Kill the process that watches over the workers, as if it had crashed."""
        self.supervisor_was_killed = True
        os.kill(self.supervisor_pid(), signal.SIGKILL)
        self.process.wait()

    def kill_all(self) -> None:
        """Kill all its processes, as if the machine had lost its power."""
        self.was_killed = True
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def _await_start(self) -> None:
        def answered() -> bool:
            assert self.process.poll() is None, f"the server did not start:\n{self.log()}"
            return _PORTS.search(self.log()) is not None

        wait_until(answered, "the server's start", START_TIMEOUT_S)


@contextmanager
def running_server(
    folder: Path,
    *flags: str,
    settings: str = "",
    errors: str = "$^",
    descriptors: int | None = None,
) -> Iterator[RunningServer]:
    """A server with these flags and this configuration file, until the end of the block.

    Args:
        folder: for its keys and its log.
        flags: of the command line.
        settings: the configuration file.
        errors: a pattern; lines of the log that it matches are meant to be there.
        descriptors: how many each of its processes may have; None: as many as the tests'.

    Raises:
        AssertionError: it did not start, ended by itself, or met a bug of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "slipstream.toml").write_text(settings)
    log = folder / "output.log"
    command = [
        *(() if descriptors is None else ("prlimit", f"--nofile={descriptors}")),
        *(sys.executable, "-m", "slipstream", "serve"),
        *("--config", str(folder / "slipstream.toml")),
        *("--rtmp", "127.0.0.1:0"),
        *(() if "--http" in flags else ("--http", "127.0.0.1:0")),
        *("--data-dir", str(folder)),
        *(() if "--workers" in flags else ("--workers", str(WORKERS))),
        *flags,
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        server = RunningServer(process, folder, log)
        yield server
        if server.was_killed:
            return
        if server.supervisor_was_killed or process.poll() is None:
            assert server.terminate() == 0, server.log()
    finally:
        while left := _processes(folder):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.poll()  # else it would be there for ever
    if not server.supervisor_was_killed:
        assert process.returncode == 0, f"exit code {process.returncode}:\n{server.log()}"
    said = "\n".join(line for line in server.log().splitlines() if not re.search(errors, line))
    for sign_of_a_bug in (".bug", "Traceback", " error "):
        assert sign_of_a_bug not in said, said


def _processes(folder: Path) -> list[int]:
    """All that serve from a folder, ended ones left out; it stands in their command lines."""
    found, mark = [], f"{folder}/slipstream.toml".encode()
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = command.read_bytes()
            if mark in words and b"\0serve\0" in words:
                found.append(int(command.parent.name))
    return found
