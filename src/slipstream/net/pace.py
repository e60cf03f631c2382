"""When the next round of a log is due: the trade of latency for system calls.

What a viewer costs is the number of sends, hardly their size. With few viewers a frame leaves
at once. As rounds get dear the time between two rounds of a log grows, so that one send
takes several frames: first to `UNSEEN_S`, which nobody notices, and beyond that only to keep
the pump to a quarter of the worker.

Rounds follow the pictures. A sound that comes between two of them waits for the next one, if
rounds cost anything at all: as many sends as with a clock of the pictures' rate, but the
pictures, which are what viewers wait for, leave when they come. At 500 viewers of 30 pictures
a second that halves the median latency of a fixed clock for the same work (bench/README.md).
"""

from __future__ import annotations


class Pace:
    """Adapts to what rounds cost, unless it is held.

    Args:
        held_s: hold the interval at this many seconds, whatever comes; 0 sends at once. None
            adapts it.
    """

    UNSEEN_S = 0.025  # shorter than any usual distance of pictures
    UNSEEN_SHARE = 1 / 20  # of the worker: how soon that is reached
    SHARE = 1 / 4  # of the worker, for all that is above
    CEILING_S = 0.350
    PATIENCE = 1.8  # intervals that a sound waits for a picture: 45 ms cover 25 a second
    AT_ONCE_SHARE = 1 / 2  # of the worker, even when held at 0: the rest needs its turn
    AT_ONCE_S = 0.005  # and no more than this for it

    def __init__(self, held_s: float | None = None) -> None:
        self.held_s = held_s
        self.interval_s = held_s or 0.0

    def hold(self, held_s: float | None) -> None:
        """From now on hold the interval at this many seconds, or adapt it."""
        if held_s != self.held_s:
            self.held_s = held_s
            self.interval_s = held_s or 0.0

    def adapt(self, cost_s: float) -> None:
        """Choose the interval for rounds that together take `cost_s` of the worker's time."""
        if self.held_s is None:
            unseen = min(cost_s / self.UNSEEN_SHARE, self.UNSEEN_S)
            self.interval_s = min(max(unseen, cost_s / self.SHARE), self.CEILING_S)
        elif self.held_s == 0:
            self.interval_s = min(cost_s / self.AT_ONCE_SHARE, self.AT_ONCE_S)

    def due(self, since: float, now: float, *, picture: bool) -> float:
        """When the next round is due, of a log that has grown.

        Args:
            since: when its last round began, in seconds.
            now: on the same clock.
            picture: whether a picture waits.
        """
        due = max(since + self.interval_s, now)
        if picture or self.held_s is not None:
            return due
        return max(due, now + self.interval_s * self.PATIENCE)
