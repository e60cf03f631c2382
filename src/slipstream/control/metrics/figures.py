"""The sums over all streams, publishers and viewers of one worker.

Taken when somebody asks: the parts keep plain counters, and nothing is counted
twice while media flows. What another worker counts is left out, so that the figures of all
workers add up: a stream counts where its publishers are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from slipstream.control.reports.slices import in_slices
from slipstream.hub import Hub, Stream


class StreamState(StrEnum):
    """How a stream is doing."""

    WAITING = "waiting"  # only viewers are there
    STARTING = "starting"  # a publisher is there, its first keyframe is not
    SLATE = "slate"  # the publisher has gone, and viewers get a slate
    LIVE = "live"  # a publisher is on air


@dataclass(slots=True)
class Figures:
    """What there is at this moment."""

    streams: Counter[str] = field(default_factory=Counter)  # by state, those that wait left out
    waiting_streams: dict[str, int] = field(default_factory=dict)  # by name: bytes of their logs
    publishers: Counter[str] = field(default_factory=Counter)  # by protocol
    viewers: Counter[str] = field(default_factory=Counter)  # by protocol, with those who wait
    waiting_viewers: int = 0
    players: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Those of the viewers who may be in other workers, too: the protocol, and whether it waits."""
    received_bits_per_second: float = 0.0
    log_bytes: int = 0  # of the streams in `streams`

    @classmethod
    async def of(cls, hub: Hub) -> Figures:
        """Count everything, in slices: 0.2 µs per viewer, 6 µs per stream."""
        figures = cls(streams=Counter({"live": 0, "slate": 0, "starting": 0}))
        async for stream in in_slices(list(hub.streams.values())):
            figures.add(stream)
        return figures

    def add(self, stream: Stream) -> None:
        """Count a stream."""
        viewers = stream.subscriptions
        self.players.update(
            (viewer.player, (viewer.peer.protocol, not viewer.started))
            for viewer in viewers
            if viewer.player
        )
        self.viewers.update([viewer.peer.protocol for viewer in viewers])
        self.waiting_viewers += [viewer.started for viewer in viewers].count(False)
        if stream.is_elsewhere:
            return
        publications = stream.publications()
        self.publishers.update([publication.peer.protocol for publication in publications])
        self.received_bits_per_second += sum(one.bitrate for one in publications)
        bytes_kept = sum([form.log.bytes_kept() for form in stream.forms()])
        if publications:
            self.streams[state_of(stream).value] += 1
            self.log_bytes += bytes_kept
        else:
            self.waiting_streams[stream.name] = bytes_kept


def state_of(stream: Stream) -> StreamState:
    """How a stream is doing, as far as this worker knows."""
    if stream.on_slate:
        return StreamState.SLATE
    if stream.is_live:
        return StreamState.LIVE
    return StreamState.STARTING if stream.publications() else StreamState.WAITING


def written_bytes(hub: Hub) -> int:
    """Memory that is kept of what this worker has written into logs."""
    return sum(
        segment.end - segment.start
        for stream in hub.streams.values()
        for form in stream.forms()
        for segment in form.log.segments
        if not segment.is_foreign
    )
