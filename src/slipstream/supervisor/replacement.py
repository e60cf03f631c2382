"""How a supervisor is replaced: the new code is tried first, then the process becomes it.

In between all workers say what they had to say, and get their answers: nothing that passes
through here, a connection that moves to another worker say, is lost. Then they wait for the
next supervisor at the rendezvous.

It stays the same process, so that whoever watches over it (systemd, a container) sees no
difference, and the workers of before stay its children.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from time import monotonic

import structlog

from slipstream.net.link import describe
from slipstream.supervisor import signals
from slipstream.supervisor.switchboard import Switchboard
from slipstream.workers.inheritance import COMMAND, VARIABLE, Inheritance
from slipstream.workers.messages import Message, Replacing

log = structlog.get_logger()

TRIAL = "SLIPSTREAM_TRIAL"  # set for a process that is to check and do nothing
TRIAL_S = 30.0
MAX_REASON = 4096  # bytes of what a trial says that are told
FINISH_S = 1.0  # what workers have to say their last words to a supervisor that goes


class Trial:
    """A run of the program as it is now on disk, which says whether it could take over.

    Args:
        inheritance: what would be left to it.

    Raises:
        OSError: it cannot be run.
    """

    def __init__(self, inheritance: Inheritance) -> None:
        self._until = monotonic() + TRIAL_S
        self._output = os.memfd_create("slipstream-trial", os.MFD_CLOEXEC)
        file = inheritance.write()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                [*COMMAND, *inheritance.arguments],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                env={**os.environ, VARIABLE: str(file), TRIAL: "1"},
                pass_fds=(file,),
            )
        except OSError:
            os.close(self._output)
            raise
        finally:
            os.close(file)

    def is_over(self) -> bool:
        """Whether there is a result; one that takes too long is ended."""
        if self._process.poll() is None and monotonic() > self._until:
            self._process.kill()
            self._process.wait()
        return self._process.returncode is not None

    def close(self) -> str:
        """End it, if it runs; return why it failed, and nothing if it did not."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        said = os.pread(self._output, MAX_REASON, 0).decode(errors="replace").strip()
        os.close(self._output)
        code = self._process.returncode
        if not code:
            return ""
        return said or (f"it took more than {TRIAL_S:g} s" if code < 0 else f"exit code {code}")


def become(inheritance: Inheritance) -> None:
    """Be replaced by the program as it is now on disk. Signals wait until it takes them.

    Returns only if that fails.

    Raises:
        OSError: why.
    """
    file = inheritance.write()
    passed = (*inheritance.descriptors, file)
    signals.block()
    try:
        for fd in passed:
            os.set_inheritable(fd, True)
        os.execve(  # noqa: S606 - our own interpreter and arguments
            sys.executable,
            [*COMMAND, *inheritance.arguments],
            {**os.environ, VARIABLE: str(file)},
        )
    finally:
        for fd in passed:
            os.set_inheritable(fd, False)
        os.close(file)
        signals.unblock()


class Replacement:
    """Call `begin()` when it is wanted, then `finishes()` every 0.1 s or so.

    Args:
        board: the supervisor's channels.
        leave: what is left to the next supervisor.
        tell_all: sends a message to all workers.
    """

    def __init__(
        self,
        board: Switchboard,
        leave: Callable[[], Inheritance],
        tell_all: Callable[[Message], None],
    ) -> None:
        self.is_finishing = False
        self._board = board
        self._leave = leave
        self._tell_all = tell_all
        self._trial: Trial | None = None
        self._finish_at = 0.0

    @property
    def is_off(self) -> bool:
        """Whether nothing of the kind goes on."""
        return self._trial is None and not self.is_finishing

    def begin(self) -> None:
        """Try the new code, unless that is being done."""
        if not self.is_off:
            return
        inheritance = self._leave()
        log.info("server.replacing", generation=inheritance.generation)
        try:
            self._trial = Trial(inheritance)
        except OSError as error:
            _give_up(describe(error))

    def finishes(self, now: float) -> bool:
        """Do what is due. True: the supervisor is about to go, and begins nothing any more."""
        if self._trial is not None and self._trial.is_over():
            reason = self._trial.close()
            self._trial = None
            if reason:
                _give_up(reason)
            else:
                self.is_finishing = True
                self._finish_at = now + FINISH_S
                self._board.close_door()  # who comes now comes to the next supervisor
                self._tell_all(Replacing())
        elif self.is_finishing and (self._board.is_silent() or now >= self._finish_at):
            try:
                become(self._leave())
            except OSError as error:
                _give_up(describe(error))
            self.cancel()
        return self.is_finishing

    def cancel(self) -> None:
        """Leave all as it is."""
        if self._trial is not None:
            self._trial.close()
            self._trial = None
        if self.is_finishing:
            self.is_finishing = False
            self._board.start_anew()


def _give_up(reason: str) -> None:
    log.error("server.not_replaced", reason=reason)
