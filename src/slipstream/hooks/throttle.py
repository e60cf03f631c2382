"""Lets through what is told over and over only now and then."""

from __future__ import annotations

from slipstream.hub import Notice, NoticeKind

REPEATED = (NoticeKind.LIMIT, NoticeKind.REFUSED, NoticeKind.ERROR)
EVERY_S = 10.0
MAX_KNOWN = 4_096

Sort = tuple[NoticeKind, str, str]


class Throttle:
    """Of refusals, limits and errors one in `EVERY_S` of the same stream and sort passes."""

    def __init__(self) -> None:
        self._passed_at: dict[Sort, float] = {}

    def lets_through(self, notice: Notice, now: float) -> bool:
        """Whether this one is told.

        Args:
            notice: what has happened.
            now: seconds on the monotonic clock.
        """
        if notice.kind not in REPEATED:
            return True
        sort = (notice.kind, notice.stream, str(notice.detail.get("limit") or notice.reason))
        passed_at = self._passed_at.get(sort)
        if passed_at is not None and now - passed_at < EVERY_S:
            return False
        if len(self._passed_at) >= MAX_KNOWN:
            self._passed_at.clear()
        self._passed_at[sort] = now
        return True
