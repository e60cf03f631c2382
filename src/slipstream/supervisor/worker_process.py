"""A worker, as its supervisor sees it: a process, a channel, and when it last gave a sign of life.

It may be a child of this process or not: when a supervisor died, the next one adopts the
workers that are there. A descriptor of the process itself (pidfd) tells of its end in either
case, and what is sent over it never reaches another process that has got the same number.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Container
from pathlib import Path
from time import CLOCK_BOOTTIME, clock_gettime

from slipstream.supervisor.signals import name_of
from slipstream.workers.channel import Channel

START_S = 10.0  # from its start until it accepts connections
WATCHDOG_S = 5.0  # without a sign of life
BEGAN = 19  # the field of /proc/PID/stat, counted behind the name: ticks since the machine's start


class WorkerProcess:
    """Made after the fork, or when a worker that was there before says hello.

    Attributes:
        channel: to the worker, while it is connected.
        ready: it accepts connections.
        draining: it has been told to accept none.
        deadline: seconds on the monotonic clock: it is taken for blocked if nothing comes before.

    Args:
        number: never used twice by one server.
        slot: the place that it fills.
        generation: with which configuration and code it was started.
        pid: of the process.
        now: seconds on the monotonic clock.

    Raises:
        OSError: it has ended.
    """

    __slots__ = (
        "_pidfd",
        "channel",
        "deadline",
        "draining",
        "generation",
        "number",
        "pid",
        "ready",
        "slot",
        "started_at",
    )

    def __init__(self, number: int, slot: int, generation: int, pid: int, now: float) -> None:
        self.number = number
        self.slot = slot
        self.generation = generation
        self.pid = pid
        self.started_at = now - _age_s(pid)
        self.channel: Channel | None = None
        self.ready = False
        self.draining = False
        self.deadline = now + START_S
        self._pidfd = os.pidfd_open(pid)

    def fileno(self) -> int:
        """A descriptor that is readable when the process has ended."""
        return self._pidfd

    def lives(self, now: float) -> None:
        """It has given a sign of life."""
        if self.ready:
            self.deadline = now + WATCHDOG_S

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it lives."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def reap(self) -> str:
        """How it ended, for the log: an exit code or a signal's name.

        Of a process that is no child of ours that is not known.
        """
        try:
            result = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return "unknown"
        if result is None:
            return "unknown"
        exited = result.si_code == os.CLD_EXITED
        return str(result.si_status) if exited else name_of(result.si_status)

    def close(self) -> None:
        """Have nothing to do with it any more."""
        os.close(self._pidfd)
        if self.channel is not None:
            self.channel.close()
            self.channel = None


def exists(pid: int) -> bool:
    """Whether there is a process of this number, be it another one by now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def is_child(pid: int) -> bool:
    """Whether a process is a child of this one, alive or not yet reaped."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def reap_others(known: Container[int]) -> list[int]:
    """Reap ended children that are not `known`; the first that is known ends it for now."""
    reaped: list[int] = []
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or ended.si_pid in known:
                return reaped
            os.waitid(os.P_PID, ended.si_pid, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return reaped
        reaped.append(ended.si_pid)


def _age_s(pid: int) -> float:
    """For how long a process has been there."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    began_s = int(stat.rpartition(")")[2].split()[BEGAN]) / os.sysconf("SC_CLK_TCK")
    return max(clock_gettime(CLOCK_BOOTTIME) - began_s, 0.0)
