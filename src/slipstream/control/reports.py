"""What the API tells of the server and its streams, as the JSON that it sends.

Each report is one object; its fields are the field names of the JSON, in this order. The
page `docs/reference/api.md` explains every one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from slipstream import __version__
from slipstream.control.figures import Figures, StreamState, state_of
from slipstream.control.parts import Parts
from slipstream.errors import MediaError
from slipstream.hub import Publication, Stream, Subscription
from slipstream.media import CodecInfo, Frame, Kind, Repairs, describe


@dataclass(frozen=True, slots=True)
class ServerReport:
    """`/api/v1/server`."""

    version: str
    started_at: datetime
    ready: bool
    streams: dict[str, int]
    publishers: dict[str, int]
    viewers: dict[str, int]
    waiting_viewers: int
    received_bps: int
    log_bytes: int
    connections_open: int
    connections_pending: int
    connections_max: int
    publications: int
    takeovers: int
    subscriptions: int
    wrong_keys: int
    pump_interval_ms: float
    pump_rounds: int
    pump_busy_s: float
    intake_interval_ms: float

    @classmethod
    def of(cls, parts: Parts) -> ServerReport:
        """Look at everything once."""
        figures = Figures.of(parts.hub)
        return cls(
            version=__version__,
            started_at=datetime.fromtimestamp(round(parts.started_at), UTC),
            ready=parts.ready,
            streams=figures.streams,
            publishers=figures.publishers,
            viewers=figures.viewers,
            waiting_viewers=figures.waiting_viewers,
            received_bps=round(figures.received_bits_per_second),
            log_bytes=figures.log_bytes,
            connections_open=parts.admissions.open,
            connections_pending=parts.admissions.pending,
            connections_max=parts.admissions.max_open,
            publications=parts.hub.totals.publications,
            takeovers=parts.hub.totals.takeovers,
            subscriptions=parts.hub.totals.subscriptions,
            wrong_keys=parts.gate.failures.total,
            pump_interval_ms=round(parts.pump.pace.interval_s * 1000, 3),
            pump_rounds=parts.pump.rounds,
            pump_busy_s=round(parts.pump.busy_s, 3),
            intake_interval_ms=round(parts.intake.interval_s * 1000, 3),
        )


@dataclass(frozen=True, slots=True)
class PublisherReport:
    """Who publishes."""

    id: str
    protocol: str
    address: str
    credential: str
    for_s: float
    silent_s: float
    bitrate_bps: int
    frame_rate: float
    bytes: int
    frames: int
    frames_refused: int

    @classmethod
    def of(cls, publication: Publication | None, now: float) -> PublisherReport | None:
        """None if there is nobody."""
        if publication is None:
            return None
        return cls(
            id=publication.peer.connection_id,
            protocol=publication.peer.protocol,
            address=publication.peer.address,
            credential=publication.credential,
            for_s=round(now - publication.since, 1),
            silent_s=round(now - publication.last_media_at, 1),
            bitrate_bps=round(publication.bitrate),
            frame_rate=round(publication.frame_rate, 2),
            bytes=publication.bytes_received,
            frames=publication.frames_received,
            frames_refused=publication.frames_refused,
        )


@dataclass(frozen=True, slots=True)
class TrackReport:
    """One track, and what is in it."""

    kind: str
    track: int
    codec: CodecInfo

    @classmethod
    def all_of(cls, stream: Stream) -> list[TrackReport]:
        """Those that have been seen so far."""
        tracks: dict[tuple[Kind, int], list[Frame]] = {}
        for frame in stream.samples():
            tracks.setdefault((frame.kind, frame.track), []).append(frame)
        return [
            cls(kind.name.lower(), track, _codec(frames))
            for (kind, track), frames in tracks.items()
        ]


def _codec(frames: Sequence[Frame]) -> CodecInfo:
    """As far as the frames tell."""
    try:
        return describe(*frames)
    except MediaError:
        return CodecInfo(frames[0].codec)


@dataclass(frozen=True, slots=True)
class FormatReport:
    """One form in which the stream is sent."""

    name: str
    viewers: int
    bitrate_bps: int
    log_bytes: int


@dataclass(frozen=True, slots=True)
class StreamReport:
    """One stream, in `/api/v1/streams` and `/api/v1/streams/{stream}`."""

    name: str
    state: StreamState
    for_s: float
    publisher: PublisherReport | None
    next_publisher: PublisherReport | None
    tracks: list[TrackReport]
    gop_ms: int
    viewers: int
    waiting_viewers: int
    formats: list[FormatReport]
    repairs: Repairs

    @classmethod
    def of(cls, stream: Stream, now: float) -> StreamReport:
        """Look at it once: 0.2 ms, most of it to read the codec configurations."""
        forms = [subscription.form for subscription in stream.subscriptions]
        return cls(
            name=stream.name,
            state=state_of(stream),
            for_s=round(now - stream.since, 1),
            publisher=PublisherReport.of(stream.on_air, now),
            next_publisher=PublisherReport.of(stream.coming, now),
            tracks=TrackReport.all_of(stream),
            gop_ms=stream.gop_ms,
            viewers=len(stream.subscriptions),
            waiting_viewers=[s.started for s in stream.subscriptions].count(False),
            formats=[
                FormatReport(
                    name=form.name,
                    viewers=forms.count(form),
                    bitrate_bps=form.log.bytes_per_second() * 8,
                    log_bytes=form.log.bytes_kept(),
                )
                for form in stream.forms()
            ],
            repairs=stream.timeline.repairs,
        )


@dataclass(frozen=True, slots=True)
class ViewerReport:
    """One viewer."""

    id: str
    protocol: str
    address: str
    format: str
    for_s: float
    waiting: bool
    lag_ms: int
    jumps: int
    skipped_ms: int
    bytes: int

    @classmethod
    def of(cls, subscription: Subscription, now: float) -> ViewerReport:
        """Look at one: 16 µs, for the kernel is asked what it still holds."""
        figures = subscription.peer.figures()
        return cls(
            id=subscription.peer.connection_id,
            protocol=subscription.peer.protocol,
            address=subscription.peer.address,
            format=subscription.form.name,
            for_s=round(now - subscription.since, 1),
            waiting=not subscription.started,
            lag_ms=figures.lag_ms,
            jumps=figures.jumps,
            skipped_ms=figures.skipped_ms,
            bytes=figures.bytes_sent,
        )


@dataclass(frozen=True, slots=True)
class WatchedStreamReport:
    """`/api/v1/streams/{stream}`: the stream and those who watch it, the longest first."""

    stream: StreamReport
    viewers: list[ViewerReport]
