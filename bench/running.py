"""A server while it runs: started on its core, measured, stopped.

    with RunningServer(server, {core}) as running:
        running.target          # where to connect
        running.cpu_s()         # so far, with all its processes

Every start is fresh: new ports, a new folder, nothing left over from the round before.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from types import TracebackType

from . import machine
from .load.client import Target
from .servers import Server, Start

START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 5
HOST = "127.0.0.1"


class RunningServer:
    """A context manager. Args: the server, and the cores that it and its children stay on."""

    def __init__(self, server: Server, cores: Collection[int]) -> None:
        self.server = server
        self._cores = cores
        self._temporary = tempfile.TemporaryDirectory(prefix="slipstream-bench-")
        self.folder = Path(self._temporary.name)
        self._log = self.folder / "output.log"
        start = Start(self.folder, _free_port(), _free_port())
        self.target = Target(HOST, start.rtmp_port, server.app, start.http_port)
        self._command = server.command(start)

    def __enter__(self) -> RunningServer:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # so that stopping it reaches its children
                preexec_fn=lambda: os.sched_setaffinity(0, self._cores),
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and self._process.poll() is not None:
            print(f"{self.server.name} ended by itself:\n{self._last_words()}")
        self._stop()

    @property
    def port(self) -> int:
        return self.target.port

    def cpu_s(self) -> float:
        return machine.cpu_s(self._process.pid)

    def running_s(self) -> float:
        """The same to the ns, if no process or thread has ended meanwhile."""
        return machine.running_s(self._process.pid)

    def pss_bytes(self) -> int:
        return machine.pss_bytes(self._process.pid)

    def memory_file_bytes(self) -> int:
        return machine.memory_file_bytes(self._process.pid)

    def memory_file_bytes_of_each(self) -> list[int]:
        """The same of each process alone: what several hold counts in each of them."""
        return [sum(files.values()) for files in machine.memory_files(self._process.pid)]

    def _wait_until_ready(self) -> None:
        port = self.target.port if self.server.speaks_rtmp else self.target.http_port
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise SystemExit(f"{self.server.name} did not start:\n{self._last_words()}")
            with socket.socket() as probe:
                if probe.connect_ex((self.target.host, port)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit(f"{self.server.name} did not listen:\n{self._last_words()}")

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:] + " ".join(self._command)

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._temporary.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
