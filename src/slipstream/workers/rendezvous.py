"""Where the workers of one server find their supervisor, whichever process that is.

A listening AF_UNIX SEQPACKET socket under an abstract name of 128 random bits (Linux). Every
worker inherits it, so the address lasts as long as any process of the server does, and whoever
connects while there is no supervisor waits for the next one.

A memory file goes with it, of which single bytes are locked: by the supervisor for as long as
it lives, and by the worker that is about to make a new one. Locks are a process's own (fcntl,
F_SETLK): children do not inherit them, `execve` keeps them, and death gives them back.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import struct
from enum import IntEnum
from typing import Self

RANDOM_BYTES = 16
BACKLOG = 1024  # all workers may come at once, again and again while nobody answers
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: `struct ucred` of unix(7)
_LOCK = struct.Struct("hhqqi")  # type, whence, start, length, pid: `struct flock` of fcntl(2)


class Office(IntEnum):
    """What only one process at a time may be; the value is the byte that it locks."""

    SUPERVISOR = 0
    ELECTOR = 1
    """The worker that starts a new supervisor."""


class Rendezvous:
    """Use `open()` in the first supervisor, `inherit()` in those that come after it.

    Args:
        sock: listening, and not blocking; becomes ours.
        locks: descriptor of the memory file; becomes ours.
    """

    def __init__(self, sock: socket.socket, locks: int) -> None:
        self._sock = sock
        self._locks = locks

    @classmethod
    def open(cls) -> Self:
        """A new one."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.bind(f"\0slipstream-{secrets.token_hex(RANDOM_BYTES)}")
        sock.listen(BACKLOG)
        sock.setblocking(False)
        return cls(sock, os.memfd_create("slipstream-offices", os.MFD_CLOEXEC))

    @classmethod
    def inherit(cls, sock: int, locks: int) -> Self:
        """One that another process has opened, by its two descriptors."""
        for fd in (sock, locks):
            os.set_inheritable(fd, False)
        return cls(socket.socket(fileno=sock), locks)

    @property
    def descriptors(self) -> tuple[int, int]:
        """What `inherit()` wants."""
        return self._sock.fileno(), self._locks

    def fileno(self) -> int:
        """The listening socket's descriptor, to be watched by the supervisor."""
        return self._sock.fileno()

    def connect(self) -> socket.socket:
        """Connect to the supervisor; if there is none, the connection waits for one.

        Raises:
            OSError: too many wait already.
        """
        sock = socket.socket(self._sock.family, self._sock.type)
        try:
            sock.setblocking(False)
            sock.connect(self._sock.getsockname())
        except OSError:
            sock.close()
            raise
        return sock

    def accept(self) -> tuple[socket.socket, int] | None:
        """Return a connection and the process at its other end; None: nobody waits.

        Abstract names are seen, and open, to all users of the machine: those of others are
        turned away.
        """
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:  # nobody, or no descriptor is left: then later
                return None
            answer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid, uid, _ = _CREDENTIALS.unpack(answer)
            if uid == os.geteuid():
                return sock, pid
            sock.close()

    def take(self, office: Office) -> bool:
        """Take an office until `leave()` or death. False: another process has it."""
        try:
            fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, office)
        except BlockingIOError:
            return False
        return True

    def is_taken(self, office: Office) -> bool:
        """Whether another process has an office."""
        question = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, office, 1, 0)
        answer = fcntl.fcntl(self._locks, fcntl.F_GETLK, question)
        return bool(_LOCK.unpack(answer)[0] != fcntl.F_UNLCK)

    def leave(self, office: Office) -> None:
        """Give an office back."""
        fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, office)

    def close(self) -> None:
        """Have nothing to do with it any more."""
        self._sock.close()
        os.close(self._locks)
