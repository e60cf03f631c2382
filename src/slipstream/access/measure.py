"""What a publisher sends, measured against its policy.

Sizes and times go in; out comes what is more than may be. Each limit is told of once, until it has
been kept for a whole window. It looks at a policy anew each second, so that changed settings hold.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from slipstream.access.policy import Policy

WINDOW_S = 5  # keyframes come in bursts: a GOP is mostly shorter than this


class LimitName(StrEnum):
    """What may be limited."""

    BITRATE = "bitrate"
    SIZE = "frame size"
    DURATION = "duration"


class TooMuch(NamedTuple):
    """More than may be."""

    limit: LimitName
    reason: str
    """With the numbers."""


class Measure:
    """One for a publisher: `receive()` what it sends, `picture()` and `announce()` what it says.

    Args:
        policy_of: what holds now.
        now: when it began, in seconds on the monotonic clock.
    """

    __slots__ = ("_began", "_bytes", "_policy_of", "_seconds", "_told", "_turn", "policy")

    def __init__(self, policy_of: Callable[[], Policy], now: float) -> None:
        self.policy = policy_of()
        self._policy_of = policy_of
        self._began = now
        self._turn = now
        self._bytes = 0  # since `_turn`
        self._seconds: deque[int] = deque(maxlen=WINDOW_S - 1)  # bytes of those before
        self._told: set[LimitName] = set()

    def receive(self, size: int, now: float) -> TooMuch | None:
        """Count so many bytes of media."""
        self._bytes += size
        if now - self._turn >= 1.0:
            self._next_second(now)
        policy = self.policy
        if policy.max_s is not None and now - self._began >= policy.max_s:
            return self._excess(LimitName.DURATION, f"published for {policy.max_s} s, the limit")
        if policy.max_kbps is None:
            return None
        total = self._bytes + sum(self._seconds)
        if total * 8 <= policy.max_kbps * 1000 * WINDOW_S:
            return None
        reason = f"{total} bytes within {WINDOW_S} s, limit {policy.max_kbps} kbit/s"
        return self._excess(LimitName.BITRATE, reason)

    def picture(self, width: int | None, height: int | None) -> TooMuch | None:
        """Hear how large the picture is, as its decoder is told."""
        policy = self.policy
        is_wide = policy.max_width is not None and (width or 0) > policy.max_width
        is_high = policy.max_height is not None and (height or 0) > policy.max_height
        if not is_wide and not is_high:
            self._told.discard(LimitName.SIZE)
            return None
        most = f"{policy.max_width or 'any'}x{policy.max_height or 'any'}"
        return self._excess(LimitName.SIZE, f"a picture of {width}x{height}, limit {most}")

    def announce(self, kbps: float) -> TooMuch | None:
        """Hear how much the publisher says that it will send."""
        limit = self.policy.max_kbps
        if limit is None or not kbps > limit:
            return None
        return self._excess(LimitName.BITRATE, f"{kbps:g} kbit/s announced, limit {limit} kbit/s")

    def refresh(self) -> None:
        """Look at the policy now."""
        self.policy = self._policy_of()

    def _next_second(self, now: float) -> None:
        """Let the window move on, by whole seconds."""
        passed = int(now - self._turn)
        self._turn += passed
        self._seconds.append(self._bytes)
        self._seconds.extend([0] * min(passed - 1, WINDOW_S))
        self._bytes = 0
        self.refresh()
        if sum(self._seconds) * 8 <= (self.policy.max_kbps or 0) * 1000 * (WINDOW_S - 1):
            self._told.discard(LimitName.BITRATE)

    def _excess(self, limit: LimitName, reason: str) -> TooMuch | None:
        if limit in self._told:
            return None
        self._told.add(limit)
        return TooMuch(limit, reason)
