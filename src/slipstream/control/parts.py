"""What the operator's side looks at: the parts of one worker, joined by `app`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from slipstream.access import Gate
from slipstream.control.configuration.reload import Reload, no_reload
from slipstream.control.logs.logs import Logs
from slipstream.control.memory import MemoryGuard
from slipstream.control.metrics.ledger import Ledger
from slipstream.hooks import Hooks
from slipstream.http.barred import Barred
from slipstream.hub import Hub
from slipstream.net.admissions import Admissions
from slipstream.net.intake import Intake
from slipstream.net.pump import Pump
from slipstream.tls import Certificates
from slipstream.workers.peers import AlonePeers, Peers


@dataclass(slots=True)
class Parts:
    """Filled once by `app`, which also says when the server is ready."""

    hub: Hub
    pump: Pump
    intake: Intake
    admissions: Admissions
    gate: Gate
    logs: Logs
    ready: bool = False
    """Whether new connections are welcome: from when it listens until it begins to stop."""
    peers: Peers = field(default_factory=AlonePeers)
    worker: int = 1
    """Its number, never used twice."""
    slot: int = 0
    """Which of the server's places it fills, from 0; who replaces it fills the same."""
    workers: int = 1
    """How many there should be."""
    certificates: Certificates | None = None
    """Of RTMPS and HTTPS; None: nobody has asked for them."""
    memory: MemoryGuard = field(default_factory=MemoryGuard)
    hooks: Hooks | None = None
    barred: Barred = field(default_factory=Barred)
    """Players that were sent away."""
    feed_bytes: Callable[[], int] = int
    """How much this worker told others of the logs that it writes."""
    ledger: Ledger = field(default_factory=Ledger)
    """Shared by all workers."""
    others: dict[str, Callable[[], Mapping[str, float]]] = field(default_factory=dict)
    """What further parts of this worker count, by the metric's name, each by the value of its
    label. Numbers of several workers are added up; `metrics.METRICS` has a row for each name, and
    `counters.OF_OTHERS` if what is counted outlives the worker."""
    reload: Reload = no_reload
    """Has the whole server read its configuration again."""
