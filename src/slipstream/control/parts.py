"""What the operator's side looks at: the parts of one worker, joined by `app`."""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.access import Gate
from slipstream.control.logs import Logs
from slipstream.hub import Hub
from slipstream.net.intake import Intake
from slipstream.net.listener import Admissions
from slipstream.net.pump import Pump


@dataclass(slots=True)
class Parts:
    """Filled once by `app`, which also says when the server is ready."""

    hub: Hub
    pump: Pump
    intake: Intake
    admissions: Admissions
    gate: Gate
    logs: Logs
    started_at: float
    """Seconds since 1970."""
    ready: bool = False
    """Whether new connections are welcome: from when it listens until it begins to stop."""
