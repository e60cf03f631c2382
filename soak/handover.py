"""What viewers of several encoders get: whose picture, from when on, and if it is whole.

    with Audience(rtmp, http, "name", each=5) as audience:
        audience.accounts()      # of each viewer
        audience.forget()        # from now on

Viewers never come back: one that is disconnected stays away, and says so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from bench.load.chunks import AUDIO, VIDEO, Message
from bench.load.client import ClientError
from bench.load.worker import Commands

from .child import Child
from .connection import FlvConnection, Place, RtmpConnection
from .crowd import Loop
from .stream import DamagedError, Stamp, is_keyframe, read_stamp

MAX_FAULTS = 20  # of one viewer; a broken one would have thousands


class Handover(NamedTuple):
    """One encoder's picture followed another one's."""

    before: int  # sessions
    after: int
    gap_ms: float  # between the two messages, as they arrived
    step_ms: int  # of the stream's time


@dataclass(slots=True)
class Account:
    """What one viewer saw; `see()` each message."""

    received: int = 0
    missing: int = 0
    doubled: int = 0
    closed: bool = False
    longest_gap_ms: float = 0.0
    longest_step_ms: int = 0
    newest: Stamp | None = None
    handovers: list[Handover] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _arrived_ns: int = 0
    _timestamp: int = 0

    def see(self, message: Message, arrived_ns: int) -> None:
        """Check one message; configurations and metadata are let pass."""
        try:
            stamp = read_stamp(message) if message.type_id in (AUDIO, VIDEO) else None
        except DamagedError as damage:
            self._tell(f"damaged: {damage}")
            return
        if stamp is None:
            return
        if self.newest is None:
            self._begin(stamp)
        else:
            self._compare(self.newest, stamp, message, arrived_ns)
        self.received += 1
        self.newest, self._arrived_ns, self._timestamp = stamp, arrived_ns, message.timestamp

    def _begin(self, stamp: Stamp) -> None:
        if not is_keyframe(stamp.number):
            self._tell(f"{stamp.number} of {stamp.session} came first and is no keyframe")

    def _compare(self, last: Stamp, stamp: Stamp, message: Message, arrived_ns: int) -> None:
        gap_ms = (arrived_ns - self._arrived_ns) / 1e6
        step_ms = message.timestamp - self._timestamp
        self.longest_gap_ms = max(self.longest_gap_ms, gap_ms)
        self.longest_step_ms = max(self.longest_step_ms, step_ms)
        if step_ms < 0:
            self._tell(f"time went back by {-step_ms} ms at {stamp.number} of {stamp.session}")
        if stamp.session != last.session:
            self.handovers.append(Handover(last.session, stamp.session, gap_ms, step_ms))
            self._begin(stamp)
        elif stamp.number > last.number + 1:
            self.missing += stamp.number - last.number - 1
            self._tell(f"{stamp.number} followed {last.number}: some are missing")
        elif stamp.number <= last.number:
            self.doubled += 1
            self._tell(f"{stamp.number} followed {last.number}: it was there before")

    def _tell(self, fault: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)


class Watching(Loop):
    """The process's job. Commands: those of `Audience`.

    Args:
        rtmp: where RTMP is spoken.
        http: where HTTP is spoken.
        name: of the stream, without its application.
        each: how many viewers over each of the two.
    """

    def __init__(self, commands: Commands, rtmp: Place, http: Place, name: str, each: int) -> None:
        super().__init__(commands)
        self._accounts = [Account() for _ in range(2 * each)]
        for number, account in enumerate(self._accounts):
            if number % 2:
                self.begin(self._watch_flv(http, name, account))
            else:
                self.begin(self._watch_rtmp(rtmp, name, account))

    def accounts(self) -> list[Account]:
        """What each viewer has seen since the last `forget()`."""
        self.look()
        return self._accounts

    def forget(self) -> None:
        """Begin anew to count; where viewers are is not forgotten."""
        for account in self._accounts:
            account.received = account.missing = account.doubled = 0
            account.longest_gap_ms, account.longest_step_ms = 0.0, 0
            account.handovers, account.faults = [], []

    async def _watch_rtmp(self, place: Place, name: str, account: Account) -> None:
        connection = RtmpConnection(account.see)
        try:
            await connection.open(place)
            connection.play(name)
            await connection.closed.wait()
        except (OSError, ClientError) as error:
            account.faults.append(str(error))
        account.closed = True

    async def _watch_flv(self, place: Place, name: str, account: Account) -> None:
        connection = FlvConnection(account.see)
        try:
            await connection.open(place, name)
            await connection.closed.wait()
        except (OSError, ClientError) as error:
            account.faults.append(str(error))
        account.closed = True


class Audience(Child):
    """A context manager around one such process. Args: as of `Watching`."""

    def __init__(self, rtmp: Place, http: Place, name: str, *, each: int) -> None:
        super().__init__(Watching, None, rtmp, http, name, each)

    def accounts(self) -> list[Account]:
        """What each viewer has seen since the last `forget()`."""
        return cast(list[Account], self._worker.ask("accounts"))

    def forget(self) -> None:
        """Begin anew to count; where viewers are is not forgotten."""
        self._worker.ask("forget")

    def on_screen(self, within_s: float = 1.0) -> set[int]:
        """The sessions whose messages viewers have got last; 0 for one who got nothing lately."""
        oldest_ns = time.monotonic_ns() - round(within_s * 1e9)
        return {
            account.newest.session
            if account.newest is not None and account.newest.sent_ns > oldest_ns
            else 0
            for account in self.accounts()
        }
