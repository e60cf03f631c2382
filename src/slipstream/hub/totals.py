"""What has happened in the hub since the start, over all its streams."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_APPS = 100  # of which is counted one by one; names may be anybody's invention
OTHER_APPS = ""


@dataclass(frozen=True, slots=True)
class Had:
    """What a viewer has had, or several together."""

    bytes_sent: int = 0
    jumps: int = 0
    skipped_ms: int = 0
    dropped_frames: int = 0

    @classmethod
    def all_of(cls, some: Iterable[Had]) -> Had:
        """All together."""
        sent = jumps = skipped_ms = dropped = 0
        for had in some:
            sent += had.bytes_sent
            jumps += had.jumps
            skipped_ms += had.skipped_ms
            dropped += had.dropped_frames
        return cls(sent, jumps, skipped_ms, dropped)


@dataclass(slots=True)
class Past:
    """What those have sent and had who have gone from a stream."""

    received_bytes: int = 0
    had: Had = field(default_factory=Had)


@dataclass(slots=True)
class Totals:
    """Counted up where it happens."""

    publications: int = 0
    takeovers: int = 0
    """A newer publisher took the place of an older one, which was sent away."""
    switches: int = 0
    """A standby went on air."""
    subscriptions: int = 0
    merged_frames: int = 0
    """Frames of one link that another one had brought before."""
    filled_holes: int = 0
    """A link ended or left something out, and another one had it."""
    apps: dict[str, Past] = field(default_factory=dict)
    """What streams have had that are no more, by application: not more than `MAX_APPS`."""

    def add(self, stream: str, past: Past) -> None:
        """A stream is no more: count what it has had in its application."""
        if not (past.received_bytes or past.had.bytes_sent):
            return
        app = stream.partition("/")[0]
        if app not in self.apps and len(self.apps) >= MAX_APPS:
            app = OTHER_APPS
        sum_of = self.apps.setdefault(app, Past())
        sum_of.received_bytes += past.received_bytes
        sum_of.had = Had.all_of((sum_of.had, past.had))
