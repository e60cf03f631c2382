"""What has happened in the hub since the start, over all its streams."""

from __future__ import annotations

from dataclasses import dataclass


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
