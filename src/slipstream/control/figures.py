"""The sums over all streams, publishers and viewers that API and metrics show.

Taken in one pass when somebody asks: the parts keep plain counters, and nothing is counted
twice while media flows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from slipstream.hub import Hub, Stream


class StreamState(StrEnum):
    """How a stream is doing."""

    LIVE = "live"  # a publisher is on air
    STARTING = "starting"  # a publisher is there, its first keyframe is not
    WAITING = "waiting"  # only viewers are there


@dataclass(slots=True)
class Figures:
    """What there is at this moment."""

    streams: Counter[str] = field(default_factory=Counter)  # by state
    publishers: Counter[str] = field(default_factory=Counter)  # by protocol
    viewers: Counter[str] = field(default_factory=Counter)  # by protocol, with those who wait
    waiting_viewers: int = 0
    received_bits_per_second: float = 0.0
    log_bytes: int = 0

    @classmethod
    def of(cls, hub: Hub) -> Figures:
        """Count everything: 0.2 µs per viewer, 6 µs per stream."""
        figures = cls(streams=Counter({state.value: 0 for state in StreamState}))
        for stream in hub.streams.values():
            figures.streams[state_of(stream)] += 1
            for publication in (stream.on_air, stream.coming):
                if publication is not None:
                    figures.publishers[publication.peer.protocol] += 1
                    figures.received_bits_per_second += publication.bitrate
            viewers = stream.subscriptions
            figures.viewers.update([subscription.peer.protocol for subscription in viewers])
            figures.waiting_viewers += [s.started for s in viewers].count(False)
            figures.log_bytes += sum(form.log.bytes_kept() for form in stream.forms())
        return figures


def state_of(stream: Stream) -> StreamState:
    """How a stream is doing."""
    if stream.on_air is not None:
        return StreamState.LIVE
    return StreamState.WAITING if stream.coming is None else StreamState.STARTING
