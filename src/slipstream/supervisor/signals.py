"""Signals as bytes on a socket, for a process that waits for sockets."""

from __future__ import annotations

import signal
import socket
from types import FrameType

STOP = frozenset((signal.SIGTERM, signal.SIGINT))
REPLACE = signal.SIGUSR2
RELOAD = signal.SIGHUP
ALL = STOP | {REPLACE, RELOAD}


class Signals:
    """Watch `fileno()`, then `take()`. In a forked child call `forget()`."""

    def __init__(self) -> None:
        self._ear, self._mouth = socket.socketpair()
        for sock in (self._ear, self._mouth):
            sock.setblocking(False)
        signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        for number in ALL:
            signal.signal(number, _be_told)
        unblock()

    def fileno(self) -> int:
        """The descriptor, to be watched."""
        return self._ear.fileno()

    def take(self) -> list[int]:
        """The signals that have come, each as often as it came."""
        try:
            return list(self._ear.recv(4096))
        except BlockingIOError:
            return []

    def forget(self) -> None:
        """Have SIGTERM do what it does by itself, and the others nothing.

        A terminal sends Ctrl-C to all processes; workers are told by their supervisor.
        """
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for number in ALL - {signal.SIGTERM}:
            signal.signal(number, signal.SIG_IGN)
        self._ear.close()
        self._mouth.close()


def block() -> None:
    """Keep signals waiting while this process becomes another program; none is lost."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ALL)


def unblock() -> None:
    """Let them come."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ALL)


def name_of(number: int) -> str:
    """As in `kill -l`, for the log."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _be_told(number: int, frame: FrameType | None) -> None:
    """The wake-up descriptor says it all, but works only beside a handler."""
