"""How long to wait before something that failed is tried again. Time and chance are arguments."""

from __future__ import annotations

FIRST_S = 0.5
SETTLED_S = 5.0  # what has gone well for so long begins anew with the shortest pause


class Backoff:
    """Pauses that double, each shortened by chance, so that not all come back at once."""

    __slots__ = ("_failures",)

    def __init__(self) -> None:
        self._failures = 0

    def pause_s(self, went_well_s: float, limit_s: float, chance: float) -> float:
        """How long to wait now, in seconds.

        Args:
            went_well_s: for how long it went well before it failed.
            limit_s: the longest pause.
            chance: from 0 to 1.
        """
        if went_well_s >= SETTLED_S:
            self._failures = 0
        pause_s = min(FIRST_S * 2.0 ** min(self._failures, 32), limit_s)
        self._failures += 1
        return pause_s * (0.5 + chance / 2)
