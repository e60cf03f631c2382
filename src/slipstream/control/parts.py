"""What the operator's side looks at: the parts of one worker, joined by `app`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from slipstream.access import Gate
from slipstream.control.config import Config
from slipstream.control.logs import Logs
from slipstream.hub import Hub
from slipstream.net.intake import Intake
from slipstream.net.listener import Admissions
from slipstream.net.pump import Pump


@dataclass(slots=True)
class Parts:
    """Filled once by `app`, which also says when the server is ready."""

    config: Config
    hub: Hub
    pump: Pump
    intake: Intake
    admissions: Admissions
    gate: Gate
    logs: Logs
    api_token: str = field(repr=False)
    rtmp_address: str
    """Where RTMP is really listened to, as `host:port`."""
    http_address: str
    clock: Callable[[], float] = time.monotonic
    """The clock of the hub's times."""
    started_at: float = field(default_factory=time.monotonic)
    """On that clock."""
    ready: bool = False
    """Whether new connections are welcome: True once it listens, False when it is stopping."""
