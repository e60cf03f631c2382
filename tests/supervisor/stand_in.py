"""A supervisor whose workers are no servers: they do what their name says, and nothing else.

    python tests/supervisor/stand_in.py FOLDER WORKER [CONSTANT=SECONDS ...]

For what real workers would only do after long, or never. `Cast` runs it.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipstream.access import load_keys
from slipstream.app import WorkerStart
from slipstream.control.configuration.config import Config
from slipstream.control.logs.logs import Logs
from slipstream.supervisor import supervisor, worker_process
from slipstream.supervisor.plan import first_plan
from slipstream.supervisor.supervisor import Supervisor
from slipstream.workers.channel import Channel
from slipstream.workers.messages import Hello, Pulse, Ready, Stop
from tests.server import wait_until

ROOT = Path(__file__).parents[2]
PULSE_S = 0.1


class Cast:
    """A running one; see `cast()`."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self._log = log

    def log(self) -> str:
        return self._log.read_text()

    def count(self, pattern: str) -> int:
        return len(re.findall(pattern, self.log()))

    def wait_for(self, pattern: str, times: int = 1) -> None:
        wait_until(lambda: self.count(pattern) >= times, f"{times} lines like {pattern!r}")


@contextmanager
def cast(folder: Path, worker: str, **seconds: float) -> Iterator[Cast]:
    """Run a supervisor with two such workers, some of its constants set anew."""
    log = folder / "log"
    constants = [f"{name}={value}" for name, value in seconds.items()]
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.supervisor.stand_in", str(folder), worker, *constants],
            cwd=ROOT,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    try:
        yield Cast(process, log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def main(folder: str, worker: str, *constants: str) -> None:
    for constant in constants:
        name, _, seconds = constant.partition("=")
        module = supervisor if hasattr(supervisor, name) else worker_process
        assert hasattr(module, name)
        setattr(module, name, float(seconds))
    server = {"rtmp": "127.0.0.1:0", "http": "127.0.0.1:0", "workers": 2, "stop_s": 1.0}
    config = Config.model_validate({"server": {**server, "data_dir": Path(folder)}})
    plan = first_plan(config, load_keys(config.server.data_dir), [])
    logs = Logs(config.log)
    logs.start()
    Supervisor(plan, logs, WORKERS[worker], _tell_ready, lambda: config).run()


def _tell_ready() -> None:
    sys.stderr.write("ready\n")


def steady(start: WorkerStart) -> None:
    """Says hello, is ready, gives signs of life, and ends when it is told."""
    _play(_greet(start, ready=True), obeys=True)


def silent(start: WorkerStart) -> None:
    """Never gets ready."""
    _play(_greet(start, ready=False), obeys=True)


def stubborn(start: WorkerStart) -> None:
    """Does not end when it is told."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _play(_greet(start, ready=True), obeys=False)


def short_lived(_: WorkerStart) -> None:
    """Ends at once."""
    os._exit(3)


def faulty(_: WorkerStart) -> None:
    """Has a bug."""
    raise RuntimeError("a bug")


WORKERS = {
    "steady": steady,
    "silent": silent,
    "stubborn": stubborn,
    "short-lived": short_lived,
    "faulty": faulty,
}


def _greet(start: WorkerStart, *, ready: bool) -> Channel:
    badge = start.badge
    channel = Channel(start.rendezvous.connect())
    channel.send(Hello(badge.number, badge.slot, badge.generation, badge.pid, False, [], [], {}))
    if ready:
        channel.send(Ready())
    return channel


def _play(channel: Channel, *, obeys: bool) -> None:
    while True:
        channel.send(Pulse())
        if select.select([channel], [], [], PULSE_S)[0]:
            packets = channel.receive()
            if packets is None:
                time.sleep(PULSE_S)
            elif obeys and any(isinstance(packet.message, Stop) for packet in packets):
                return


if __name__ == "__main__":
    main(*sys.argv[1:])
