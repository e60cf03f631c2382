"""One of the server's places for workers, and when it is filled again after a death.

Time is an argument.
"""

from __future__ import annotations

SHORT_LIFE_S = 10.0
LONG_LIFE_S = 30.0  # after which earlier deaths are forgotten
TOLERATED = 2  # short lives in a row; whoever follows these waits
BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class Slot:
    """Call `vacated()` when its worker has died; fill it from `due` on.

    Attributes:
        worker: the number of the worker in it; 0: it is empty.
        due: seconds on the monotonic clock.

    Args:
        index: from 0.
    """

    __slots__ = ("_short_lives", "due", "index", "worker")

    def __init__(self, index: int) -> None:
        self.index = index
        self.worker = 0
        self.due = 0.0
        self._short_lives = 0

    def vacated(self, lived_s: float, now: float) -> None:
        """The worker has died: it is replaced at once, unless that has been of no use."""
        self.worker = 0
        if lived_s >= LONG_LIFE_S:
            self._short_lives = 0
        elif lived_s < SHORT_LIFE_S:
            self._short_lives += 1
        extra = self._short_lives - TOLERATED
        if lived_s < SHORT_LIFE_S and extra > 0:
            self.due = now + BACK_OFF_S[min(extra, len(BACK_OFF_S)) - 1]
        else:
            self.due = now
