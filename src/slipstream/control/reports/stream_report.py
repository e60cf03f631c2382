"""What the API tells of streams, as the JSON that it sends.

Each report is one object; its fields are the field names of the JSON, in this order. The
page `docs/reference/api.md` explains every one of them. Each worker makes them of what it
has; `merge` makes one of several.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipstream.control.alerts.alert import Alert, AlertKind
from slipstream.control.metrics.figures import StreamState, state_of
from slipstream.errors import MediaError
from slipstream.hub import Publication, PublisherState, Stream, Subscription
from slipstream.media import CodecInfo, Frame, Kind, Repairs, describe


@dataclass(frozen=True, slots=True)
class PublisherReport:
    """Who publishes."""

    id: str
    stream: str
    state: PublisherState
    protocol: str
    encrypted: bool
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
    def of(cls, publication: Publication, now: float) -> PublisherReport:
        """Look at one."""
        return cls(
            id=publication.peer.connection_id,
            stream=publication.stream.name,
            state=publication.state,
            protocol=publication.peer.protocol,
            encrypted=publication.peer.encrypted,
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
class AlertReport:
    """Something that is wrong with what is published."""

    alert: AlertKind
    value: float
    threshold: float
    for_s: float

    @classmethod
    def of(cls, alert: Alert, now: float) -> AlertReport:
        """Look at one that is raised."""
        since = now if alert.since is None else alert.since
        return cls(alert.kind, round(alert.value, 2), alert.threshold, round(now - since, 1))


@dataclass(frozen=True, slots=True)
class StreamReport:
    """One stream, in `/api/v1/streams` and `/api/v1/streams/{stream}`."""

    name: str
    state: StreamState
    for_s: float
    worker: int | None
    publisher: PublisherReport | None
    publishers: list[PublisherReport]
    tracks: list[TrackReport]
    gop_ms: int
    viewers: int
    waiting_viewers: int
    formats: list[FormatReport]
    repairs: Repairs
    alerts: list[AlertReport]

    @classmethod
    def of(
        cls, stream: Stream, worker: int, now: float, alerts: Iterable[Alert] = ()
    ) -> StreamReport:
        """Look at it once: 0.2 ms, most of it to read the codec configurations."""
        forms = [subscription.form for subscription in stream.subscriptions]
        publishers = [PublisherReport.of(one, now) for one in stream.publications()]
        return cls(
            name=stream.name,
            state=state_of(stream),
            for_s=round(now - stream.since, 1),
            worker=worker if publishers else None,
            publisher=publishers[0] if stream.on_air is not None else None,
            publishers=publishers,
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
            alerts=[AlertReport.of(alert, now) for alert in alerts],
        )


@dataclass(frozen=True, slots=True)
class StreamShare:
    """What one worker tells of a stream; `merge.merge_stream` makes one report of them."""

    report: StreamReport
    players: dict[str, tuple[str, bool]]
    """Those of its viewers who may be in other workers, too: the format, and whether it waits."""

    @classmethod
    def of(cls, stream: Stream, worker: int, now: float, alerts: Iterable[Alert]) -> StreamShare:
        """Look at it once."""
        players = {
            viewer.player: (viewer.form.name, not viewer.started)
            for viewer in stream.subscriptions
            if viewer.player
        }
        return cls(StreamReport.of(stream, worker, now, alerts), players)


@dataclass(frozen=True, slots=True)
class ViewerReport:
    """One viewer."""

    id: str
    stream: str
    player: str
    worker: int
    protocol: str
    encrypted: bool
    address: str
    format: str
    for_s: float
    waiting: bool
    lag_ms: int
    jumps: int
    skipped_ms: int
    dropped_frames: int
    bytes: int
    startup_ms: int | None
    keyframe_ms: int | None
    frame_rate: float | None
    stream_frame_rate: float | None
    rtt_ms: float | None
    retransmits: int | None
    late_requests: int
    score: int | None

    @classmethod
    def of(cls, subscription: Subscription, worker: int, now: float) -> ViewerReport:
        """Look at one: 50 µs, for the kernel is asked what it still holds."""
        figures = subscription.peer.figures()
        return cls(
            id=subscription.peer.connection_id,
            stream=subscription.stream.name,
            player=subscription.player,
            worker=worker,
            protocol=subscription.peer.protocol,
            encrypted=subscription.peer.encrypted,
            address=subscription.peer.address,
            format=subscription.form.name,
            for_s=round(now - subscription.since, 1),
            waiting=not subscription.started,
            lag_ms=figures.lag_ms,
            jumps=figures.jumps,
            skipped_ms=figures.skipped_ms,
            dropped_frames=figures.dropped_frames,
            bytes=figures.bytes_sent,
            startup_ms=figures.startup_ms,
            keyframe_ms=figures.keyframe_ms,
            frame_rate=figures.frame_rate,
            stream_frame_rate=figures.stream_frame_rate,
            rtt_ms=figures.rtt_ms,
            retransmits=figures.retransmits,
            late_requests=figures.late_requests,
            score=figures.score,
        )


@dataclass(frozen=True, slots=True)
class StreamsReport:
    """`/api/v1/streams`: all streams by name, as `StreamReport` has them."""

    streams: list[dict[str, Any]]
    next: str | None
    workers_answered: int
    workers_expected: int


@dataclass(frozen=True, slots=True)
class WatchedStreamReport:
    """`/api/v1/streams/{stream}`: the stream and those who watch it, the longest first."""

    stream: dict[str, Any]
    viewers: list[Mapping[str, Any]]
    workers_answered: int
    workers_expected: int


@dataclass(frozen=True, slots=True)
class SwitchReport:
    """`/api/v1/streams/{stream}/switch`: who goes on air, or nobody."""

    publisher: PublisherReport | None
