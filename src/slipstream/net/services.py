"""What the connections of one worker share. `app` makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from slipstream.access import Decision, Gate
from slipstream.hub import Alone, Directory, Hub, Notice
from slipstream.net.admissions import Admissions
from slipstream.net.farewells import Farewells
from slipstream.net.intake import Intake
from slipstream.net.link import Link
from slipstream.net.pump import Pump
from slipstream.net.revocation import Revocations
from slipstream.net.settings import NetSettings


class Session(Protocol):
    """A connection that the worker ends when it stops."""

    @property
    def link(self) -> Link:
        """Its bytes."""

    @property
    def is_watching(self) -> bool:
        """Whether it plays something."""

    def ask_to_reconnect(self) -> bool:
        """Ask a publisher to connect elsewhere. False: it is none, or does not know how."""

    def reconfigure(self) -> None:
        """Other settings may be in force."""

    def close(self, reason: str) -> None:
        """End it, after what is still to be said."""


class Mover(Protocol):
    """Takes connections to other workers."""

    def home_for_viewer(self, stream: str, few: int) -> int | None:
        """The worker that would serve one more viewer of a stream with less work than this one.

        Args:
            stream: what is to be played.
            few: a worker that has so many viewers of it keeps the next one, too.

        Returns:
            None: there is no such worker.
        """

    def move(
        self,
        link: Link,
        home: int,
        stream: str,
        connection_id: str,
        said: Sequence[bytes],
        permit: bytes,
    ) -> None:
        """Hand a connection over; the link is closed here, and goes on there.

        Args:
            link: of the connection.
            home: the worker that it belongs to.
            stream: that it wants to publish or play.
            connection_id: what it is called.
            said: what has been read from it, read by read.
            permit: that it may.
        """


class Doorkeeper(Protocol):
    """Knows whether others decide who may connect over RTMP, and asks them."""

    def is_asked(self, app: str) -> bool:
        """Whether others decide it of this application."""

    async def ask_connect(self, notice: Notice) -> Decision:
        """Return what they say of whoever connects; it never takes long, and never raises."""


def _nothing_against() -> str:
    return ""


@dataclass(eq=False, slots=True)
class Services:
    """What a connection needs of its worker. The settings are replaced when others are in force."""

    loop: asyncio.AbstractEventLoop
    hub: Hub
    pump: Pump
    intake: Intake
    gate: Gate
    admissions: Admissions
    settings: NetSettings
    directory: Directory = field(default_factory=Alone)
    mover: Mover | None = None
    """None if there are no other workers."""
    refuse_publish: Callable[[], str] = _nothing_against
    """Why nobody more may publish now; empty if anybody may."""
    doorkeeper: Doorkeeper | None = None
    """None if everybody may connect."""
    farewells: Farewells | None = None
    """Ends connections whose peers have left; None: that is done at once."""
    worker: int = 0
    """Its number, 0 if there is only one: part of what connections are called in the log."""
    sessions: dict[Session, None] = field(default_factory=dict)
    revocations: Revocations = field(init=False)
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.revocations = Revocations(self.gate, self.loop)

    def new_id(self, kind: str) -> str:
        """What a new connection is called in the log: `rtmp-7`, or `rtmp-2-7` in worker 2."""
        number = next(self._ids)
        return f"{kind}-{self.worker}-{number}" if self.worker else f"{kind}-{number}"
