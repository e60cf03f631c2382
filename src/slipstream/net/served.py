"""How a viewer that is served fares: the figures that API and metrics show."""

from __future__ import annotations

from dataclasses import dataclass

from slipstream.net.cursor import Cursor


@dataclass(frozen=True, slots=True)
class ServedFigures:
    """The hub's `ViewerFigures`."""

    lag_ms: int = 0
    bytes_sent: int = 0
    jumps: int = 0
    skipped_ms: int = 0
    dropped_frames: int = 0

    @classmethod
    def of(cls, cursor: Cursor | None) -> ServedFigures:
        """The figures of a cursor; of one that waits, zeros."""
        if cursor is None:
            return cls()
        return cls(
            cursor.lag_ms(),
            cursor.bytes_sent,
            cursor.jumps,
            cursor.skipped_ms,
            cursor.dropped_frames,
        )

    def losses(self) -> dict[str, int]:
        """What the viewer missed, for the line in the log at its end."""
        return {"jumps": self.jumps, "skipped_ms": self.skipped_ms, "dropped": self.dropped_frames}
