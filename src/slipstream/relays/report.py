"""What the API tells of relays. Times are in seconds, sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.relays.relay import Relay, RelayState
from slipstream.relays.rule import RelayKind, Rule


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """One stream of a relay, with all its tries."""

    stream: str
    worker: int
    state: RelayState
    address: str
    error: str
    for_s: float
    bytes: int
    frames: int
    reconnects: int
    lag_ms: int

    @classmethod
    def of(cls, relay: Relay, worker: int, now: float) -> ConnectionReport:
        """A relay of this worker."""
        session = relay.session
        if session is not None:
            session.measure()
        return cls(
            stream=relay.stream,
            worker=worker,
            state=relay.state,
            address="" if session is None else session.address,
            error=relay.error,
            for_s=round(now - relay.since, 1),
            bytes=relay.bytes,
            frames=relay.frames,
            reconnects=relay.reconnects,
            lag_ms=0 if session is None else session.lag_ms,
        )


@dataclass(frozen=True, slots=True)
class RelayReport:
    """A relay as it was asked for, and what runs of it in the whole server."""

    id: str
    kind: RelayKind
    stream: str
    url: str
    """Without secrets."""
    on_demand: bool
    static: bool
    """It stands in the configuration."""
    state: RelayState
    connections: list[ConnectionReport]

    @classmethod
    def of(
        cls, rule: Rule, connections: list[ConnectionReport], *, is_stopped: bool
    ) -> RelayReport:
        """A rule and its connections in all workers."""
        states = {connection.state for connection in connections}
        best = (RelayState.RUNNING, RelayState.CONNECTING)
        state = next((state for state in best if state in states), RelayState.WAITING)
        return cls(
            id=rule.id,
            kind=rule.kind,
            stream=rule.stream,
            url=rule.shown_url,
            on_demand=rule.on_demand,
            static=rule.is_static,
            state=RelayState.STOPPED if is_stopped else state,
            connections=connections,
        )
