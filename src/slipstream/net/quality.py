"""How good it is what a viewer gets, as one number from 0 to 100.

Points are lost for what people notice, each between a value at which nobody does and one at which
all of its points are gone. What is not known of a viewer does not count: the rest is taken for
the whole. Pure; what the points are is explained in `docs/guides/monitoring.md`.
"""

from __future__ import annotations

from typing import NamedTuple


class Facts(NamedTuple):
    """What is known of a viewer, over all its time; None: it is not known."""

    missed: float | None = None
    """The share of the stream that was skipped or left out for it, 0 to 1."""
    jumps: float | None = None
    """Per minute: to a newer keyframe, or segments that it asked for too late."""
    lag: float | None = None
    """What it has not received now, as a share of its latency ceiling."""
    startup_s: float | None = None
    """From its request to its first picture."""
    retransmitted: float | None = None
    """The share of TCP's segments that had to be sent again, 0 to 1."""


class Points(NamedTuple):
    """What one of the facts can cost."""

    points: int
    good: float
    """Up to here nothing is lost."""
    bad: float
    """From here on all of them are."""

    def kept(self, value: float) -> float:
        """How many are left."""
        return self.points * min(max((self.bad - value) / (self.bad - self.good), 0.0), 1.0)


WEIGHTS = (  # in the order of the facts
    Points(40, good=0.0, bad=0.2),  # missed
    Points(10, good=0.0, bad=2.0),  # jumps
    Points(25, good=0.25, bad=1.0),  # lag
    Points(15, good=0.5, bad=5.0),  # startup_s
    Points(10, good=0.005, bad=0.05),  # retransmitted
)


def score(facts: Facts) -> int | None:
    """From 0, which is as bad as it gets, to 100; None: nothing is known."""
    kept = possible = 0.0
    for value, points in zip(facts, WEIGHTS, strict=True):
        if value is not None:
            kept += points.kept(value)
            possible += points.points
    return round(100 * kept / possible) if possible else None
