"""What a supervisor leaves to the next one, and how workers come by one when theirs has died.

A supervisor that replaces itself, and a worker that starts a new one, hand it over alike: as
JSON in a memory file whose descriptor stands in the environment, beside the descriptors of all
sockets. The new process is `slipstream serve` with the arguments of the first.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from time import monotonic
from typing import Self
from zlib import crc32

import orjson
import structlog

from slipstream.errors import SlipstreamError
from slipstream.net.link import describe
from slipstream.workers.channel import Channel
from slipstream.workers.messages import KINDS
from slipstream.workers.rendezvous import Office, Rendezvous

log = structlog.get_logger()

VARIABLE = "SLIPSTREAM_INHERIT"
VERSION = 1  # to be raised when messages mean something else; new ones are noticed

ELECTION_S = 0.3  # without a supervisor, after which a worker makes one
REPLACING_S = 10.0  # how long one that said that it is being replaced is waited for
START_S = 10.0  # what a new one may take before another worker may try
ORPHANED_S = 30.0  # a worker that is without one for so long drains and ends
NUMBERS_SKIPPED = 100  # workers whose numbers nobody alive has heard of

_MESSAGES = repr([(name, KINDS[name].__slots__) for name in sorted(KINDS)])
# What workers and their supervisor tell each other: those of another sort cannot work together.
PROTOCOL = f"{VERSION}-{crc32(_MESSAGES.encode()):08x}"

# Of `python -P`: the folder in which the server happens to run is not looked at for modules.
COMMAND = (sys.executable, "-P", "-m", "slipstream", "serve")


@dataclass(frozen=True, slots=True)
class Inheritance:
    """Everything that a supervisor must know of what was there before it."""

    arguments: list[str]
    """Of the command line, behind `serve`."""
    config: str
    """The configuration that is in force, as JSON."""
    rtmp: dict[int, str]
    """Listening sockets by descriptor, and the address that each was opened for."""
    http: dict[int, str]
    rendezvous: tuple[int, int]
    ledger: tuple[int, int]
    """Descriptor of what the workers count, and its rows."""
    generation: int
    """Of the workers that it is to start."""
    next_number: int
    """Of the first of them."""
    workers: dict[str, list[int]]
    """Those there are, as in `Census`: slot, pid, generation by number."""
    rtmps: dict[int, str] = field(default_factory=dict)
    https: dict[int, str] = field(default_factory=dict)

    @property
    def begins_generation(self) -> bool:
        """Whether no worker of the generation to be started is there yet."""
        return all(generation < self.generation for _, _, generation in self.workers.values())

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that go along."""
        listening = (*self.rtmp, *self.http, *self.rtmps, *self.https)
        return (*listening, *self.rendezvous, self.ledger[0])

    def write(self) -> int:
        """Return the descriptor of a memory file that holds all this."""
        file = os.memfd_create("slipstream-inheritance", os.MFD_CLOEXEC)
        with open(file, "wb", closefd=False) as stream:
            fields = {**asdict(self), "protocol": PROTOCOL}
            stream.write(orjson.dumps(fields, option=orjson.OPT_NON_STR_KEYS))
        return file

    @classmethod
    def read(cls, file: int) -> Self:
        """Read what `write()` made.

        Raises:
            SlipstreamError: it is of a version that knows other things.
        """
        try:
            fields = orjson.loads(os.pread(file, os.fstat(file).st_size, 0))
            if fields["protocol"] != PROTOCOL:
                raise SlipstreamError(f"its workers speak {fields['protocol']}, we {PROTOCOL}")
            return cls(
                arguments=[str(argument) for argument in fields["arguments"]],
                config=str(fields["config"]),
                rtmp=_places(fields["rtmp"]),
                http=_places(fields["http"]),
                rtmps=_places(fields["rtmps"]),
                https=_places(fields["https"]),
                rendezvous=(int(fields["rendezvous"][0]), int(fields["rendezvous"][1])),
                ledger=(int(fields["ledger"][0]), int(fields["ledger"][1])),
                generation=int(fields["generation"]),
                next_number=int(fields["next_number"]),
                workers={number: list(map(int, it)) for number, it in fields["workers"].items()},
            )
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise SlipstreamError(f"cannot take over from the running server: {error!r}") from error

    @classmethod
    def take(cls) -> Self | None:
        """What this process inherits; None: it is the first. It is taken once.

        Raises:
            SlipstreamError: it cannot be read.
        """
        file = os.environ.pop(VARIABLE, "")
        if not file:
            return None
        inheritance = cls.read(int(file))
        os.close(int(file))
        return inheritance


def _places(listening: dict[str, str]) -> dict[int, str]:
    return {int(fd): str(address) for fd, address in listening.items()}


class Succession:
    """The line's `Supervision`: finds supervisors, and makes one when there is none.

    Nothing here blocks, but starting a process takes some ms.

    Attributes:
        census: the workers as they were last told (`Census.workers`).
        config: in force, as it was last told (`Configure.config`).

    Args:
        inheritance: what the supervisor of this worker would have left.
        rendezvous: inherited from it.
        on_orphaned: called when no new supervisor can be had: drain, and end.
    """

    def __init__(
        self,
        inheritance: Inheritance,
        rendezvous: Rendezvous,
        on_orphaned: Callable[[], None],
    ) -> None:
        self.census = inheritance.workers
        self.config = inheritance.config
        self._inheritance = inheritance
        self._rendezvous = rendezvous
        self._on_orphaned = on_orphaned
        self._heir: subprocess.Popen[bytes] | None = None
        self._elected_at: float | None = None
        self._patient_until = 0.0
        self._abstains = False

    def announce(self) -> None:
        """The supervisor is about to be replaced: none is to be made for a while."""
        self._patient_until = monotonic() + REPLACING_S

    def abstain(self) -> None:
        """Make no supervisor any more: this worker is going away, and has closed its sockets."""
        self._abstains = True
        self._resign()

    def connect(self) -> Channel | None:
        """A channel to the supervisor; None if there is none at the moment."""
        if not self.is_there():
            return None
        try:
            sock = self._rendezvous.connect()
        except OSError:
            return None
        self._resign()
        return Channel(sock)

    def is_there(self) -> bool:
        """Whether there is a supervisor. Who is connected, but to nobody, must look again."""
        return self._rendezvous.is_taken(Office.SUPERVISOR)

    def missing(self, for_s: float) -> None:
        """Make a supervisor, unless another worker is at it, or give up."""
        now = monotonic()
        if self._abstains:
            return
        if for_s > ORPHANED_S and now > self._patient_until:
            log.warning("worker.orphaned")
            self._on_orphaned()
        elif for_s > ELECTION_S and now > self._patient_until:
            if self._elected_at is None:
                self._stand_for_election(now)
            elif self._heir is None or self._heir.poll() is not None:
                self._resign()
            elif now - self._elected_at > START_S:
                self._resign()  # let another try; should both come, the later one finds it taken

    def _stand_for_election(self, now: float) -> None:
        if not self._rendezvous.take(Office.ELECTOR):
            return
        self._elected_at = now
        try:
            self._heir = self._start()
        except OSError as error:
            log.warning("supervisor.not_started", reason=describe(error))
        else:
            log.warning("supervisor.summoned", pid=self._heir.pid)

    def _resign(self) -> None:
        if self._elected_at is not None:
            self._elected_at = None
            self._rendezvous.leave(Office.ELECTOR)

    def _start(self) -> subprocess.Popen[bytes]:
        ours, census = self._inheritance, self.census
        heritage = replace(
            ours,
            config=self.config,
            generation=max([ours.generation, *(those[2] for those in census.values())]),
            next_number=max([ours.next_number, *map(int, census)]) + NUMBERS_SKIPPED,
            workers=census,
        )
        file = heritage.write()
        try:
            # Its own session: it is to live when we, or the terminal that we came from, do not.
            return subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                [*COMMAND, *ours.arguments],
                stdin=subprocess.DEVNULL,
                env={**os.environ, VARIABLE: str(file)},
                pass_fds=(*heritage.descriptors, file),
                start_new_session=True,
            )
        finally:
            os.close(file)
