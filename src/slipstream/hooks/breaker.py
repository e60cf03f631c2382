"""Leaves a server alone that fails again and again, and tries it now and then."""

from __future__ import annotations

OPENS_AFTER = 5  # failures in a row
PROBE_EVERY_S = 5.0


class Breaker:
    """Ask `lets_through()` before each request, and tell `note()` how it went.

    Attributes:
        is_open: whether requests are answered without the server, but for a probe.
    """

    __slots__ = ("_failures", "_probe_at", "is_open")

    def __init__(self) -> None:
        self.is_open = False
        self._failures = 0
        self._probe_at = 0.0

    def lets_through(self, now: float) -> bool:
        """Whether this request may be sent. Of an open breaker it is the probe.

        Args:
            now: seconds on the monotonic clock.
        """
        if not self.is_open:
            return True
        if now < self._probe_at:
            return False
        self._probe_at = now + PROBE_EVERY_S
        return True

    def note(self, now: float, *, failed: bool) -> None:
        """A request has been answered, or has failed."""
        if not failed:
            self._failures = 0
            self.is_open = False
            return
        self._failures += 1
        if self._failures >= OPENS_AFTER:
            if not self.is_open:
                self._probe_at = now + PROBE_EVERY_S
            self.is_open = True
