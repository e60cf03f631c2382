"""How a viewer that is served fares: the figures that API, metrics and log show."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from slipstream.formats import Format
from slipstream.hub import Had
from slipstream.net.cursor import Cursor
from slipstream.net.quality import Facts, score

YOUNG_MS = 1_000  # of the stream: of who has had less, no rate is told


@dataclass(frozen=True, slots=True)
class ServedFigures:
    """The hub's `ViewerFigures`."""

    lag_ms: int = 0
    bytes_sent: int = 0
    jumps: int = 0
    skipped_ms: int = 0
    dropped_frames: int = 0
    startup_ms: int | None = None
    keyframe_ms: int | None = None
    frame_rate: float | None = None
    stream_frame_rate: float | None = None
    rtt_ms: float | None = None
    retransmits: int | None = None
    late_requests: int = 0
    score: int | None = None

    @classmethod
    def of(cls, cursor: Cursor | None, form: Format | None) -> ServedFigures:
        """The figures of a cursor (55 µs); of one that waits, zeros and nothing."""
        if cursor is None:
            return cls()
        lag_ms = cursor.lag_ms()
        offered_ms = cursor.log.head_ms - cursor.delay_ms - cursor.start_ms
        rate = None if form is None else form.frame_rate()
        tcp, startup = cursor.link.tcp(), cursor.startup
        missed = None
        if offered_ms >= YOUNG_MS:
            dropped_ms = cursor.dropped_frames * 1000 / rate if rate else 0.0
            missed = min((cursor.skipped_ms + dropped_ms) / offered_ms, 1.0)
        facts = Facts(
            missed=missed,
            jumps=per_minute(cursor.jumps, startup.began_at),
            lag=max(lag_ms - cursor.start_lag_ms, 0) / cursor.ceiling_ms,
            startup_s=startup.keyframe_s,
            retransmitted=tcp.retransmits / tcp.segments if tcp and tcp.segments else None,
        )
        return cls(
            lag_ms=lag_ms,
            bytes_sent=cursor.bytes_sent,
            jumps=cursor.jumps,
            skipped_ms=cursor.skipped_ms,
            dropped_frames=cursor.dropped_frames,
            startup_ms=_ms(startup.first_byte_s),
            keyframe_ms=_ms(startup.keyframe_s),
            frame_rate=_delivered(rate, missed, lag_ms, offered_ms),
            stream_frame_rate=None if rate is None else round(rate, 2),
            rtt_ms=None if tcp is None else round(tcp.rtt_ms, 2),
            retransmits=None if tcp is None else tcp.retransmits,
            score=None if startup.began_at is None else score(facts),
        )

    def losses(self) -> dict[str, object]:
        """What the viewer missed and how it was served, for the line in the log at its end."""
        return {
            "jumps": self.jumps,
            "skipped_ms": self.skipped_ms,
            "dropped": self.dropped_frames,
            **self.served(),
        }

    def served(self) -> dict[str, object]:
        """What is known of its start, of the way to it, and how good it was."""
        known = {
            "startup_ms": self.startup_ms,
            "rtt_ms": self.rtt_ms,
            "retransmits": self.retransmits,
            "score": self.score,
        }
        return {name: value for name, value in known.items() if value is not None}


def had(cursor: Cursor | None) -> Had:
    """What the viewer of a cursor has had."""
    if cursor is None:
        return Had()
    return Had(cursor.bytes_sent, cursor.jumps, cursor.skipped_ms, cursor.dropped_frames)


def per_minute(count: int, since: float | None) -> float | None:
    """How often that is; what happens in the first minute counts as if it were over."""
    return None if since is None else count * 60 / max(monotonic() - since, 60.0)


def _delivered(
    rate: float | None, missed: float | None, lag_ms: int, offered_ms: int
) -> float | None:
    """Pictures that the viewer has had per second of the stream."""
    if rate is None or missed is None:
        return None
    return round(rate * max(1 - missed - lag_ms / offered_ms, 0.0), 2)


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
