"""What the connections of one worker share. `app` makes it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from slipstream.access import Gate
from slipstream.hub import Hub
from slipstream.net.intake import Intake
from slipstream.net.link import Link
from slipstream.net.listener import Admissions
from slipstream.net.pump import Pump
from slipstream.net.settings import NetSettings


class Session(Protocol):
    """A connection that the worker ends when it stops."""

    @property
    def link(self) -> Link:
        """Its bytes."""

    def close(self, reason: str) -> None:
        """End it, after what is still to be said."""


@dataclass(frozen=True, slots=True)
class Services:
    """What a connection needs of its worker."""

    loop: asyncio.AbstractEventLoop
    hub: Hub
    pump: Pump
    intake: Intake
    gate: Gate
    admissions: Admissions
    settings: NetSettings
    sessions: dict[Session, None] = field(default_factory=dict)
