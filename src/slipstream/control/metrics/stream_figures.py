"""What one worker has of one stream, for the metrics: its publisher, and how its viewers fare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from slipstream.control.alerts.alert import Alert
from slipstream.control.metrics.figures import StreamState, state_of
from slipstream.control.reports.slices import in_slices
from slipstream.hub import Had, Stream


@dataclass(slots=True)
class StreamFigures:
    """Of one stream, in one worker."""

    name: str
    slot: int
    state: StreamState
    is_home: bool
    """Whether its publishers are here."""
    bitrate_bps: float
    frame_rate: float
    gop_ms: int
    silent_s: float
    received_bytes: int
    repairs: int
    alerts: list[str]
    had: Had
    """All viewers together, those who have gone as well: counted at one moment, so that the sum
    never falls."""
    viewers: Counter[str] = field(default_factory=Counter)
    lags_ms: list[int] = field(default_factory=list)
    startups_ms: list[int] = field(default_factory=list)
    scores: list[int] = field(default_factory=list)

    @classmethod
    async def of(
        cls, stream: Stream, slot: int, now: float, alerts: Iterable[Alert]
    ) -> StreamFigures:
        """Look at it and all its viewers, in slices: 40 µs for each of these."""
        publications, on_air = stream.publications(), stream.on_air
        past = stream.audience.past
        figures = cls(
            name=stream.name,
            slot=slot,
            state=state_of(stream),
            is_home=bool(publications),
            bitrate_bps=0.0 if on_air is None else on_air.bitrate,
            frame_rate=0.0 if on_air is None else on_air.frame_rate,
            gop_ms=stream.gop_ms,
            silent_s=0.0 if on_air is None else now - on_air.last_media_at,
            received_bytes=past.received_bytes + sum(one.bytes_received for one in publications),
            repairs=stream.timeline.repairs.made,
            alerts=[str(alert.kind) for alert in alerts],
            had=had_of(stream),
        )
        async for viewer in in_slices(list(stream.subscriptions)):
            if viewer.ended:
                continue
            peer = viewer.peer
            fares = peer.figures()
            figures.viewers[peer.protocol] += 1
            if viewer.started:
                figures.lags_ms.append(fares.lag_ms)
            if fares.startup_ms is not None:
                figures.startups_ms.append(fares.startup_ms)
            if fares.score is not None:
                figures.scores.append(fares.score)
        return figures


def had_of(stream: Stream) -> Had:
    """What all have had who watch a stream or did: 2 µs for each who does."""
    return Had.all_of([stream.audience.past.had, *(one.peer.had() for one in stream.subscriptions)])
