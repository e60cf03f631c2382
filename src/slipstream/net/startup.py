"""When a viewer had its first byte, and all of the picture that it starts with."""

from __future__ import annotations


class Startup:
    """Of one viewer: `note()` now and then until it `is_over`.

    Args:
        asked_at: when the viewer asked, or, if it came before the stream, when that began; in
            seconds on the monotonic clock.
        first_bytes: size of the first entry of the log that it gets.
    """

    __slots__ = ("_asked_at", "_first_bytes", "began_at", "is_over", "keyframe_s")

    def __init__(self, asked_at: float, first_bytes: int) -> None:
        self.began_at: float | None = None  # when the kernel took the first bytes of the log
        self.keyframe_s: float | None = None  # from the request until it had all of the first entry
        self.is_over = False
        self._asked_at = asked_at
        self._first_bytes = first_bytes

    @property
    def first_byte_s(self) -> float | None:
        """From the request until the kernel took the first bytes."""
        return None if self.began_at is None else max(self.began_at - self._asked_at, 0.0)

    def note(self, sent: int, now: float) -> None:
        """The kernel has taken so many bytes of the log."""
        if self.began_at is None and sent > 0:
            self.began_at = now
        if sent >= self._first_bytes:
            self.keyframe_s = max(now - self._asked_at, 0.0)
            self.is_over = True
