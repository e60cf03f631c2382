"""What was answered, kept for as long as the answer says."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

from slipstream.access import NO_POLICY, Policy

MAX_KEPT = 4096
MAX_KEPT_S = 3_600.0

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NO_STORE = re.compile(r"(?:^|[\s,])no-(?:store|cache)\b", re.IGNORECASE)

Key = TypeVar("Key", bound=Hashable)


class Answer(NamedTuple):
    """What somebody who was asked has said."""

    allows: bool | None
    """None: it is no answer."""
    reason: str = ""
    """For the log."""
    max_age_s: float = 0
    """How long it holds."""
    policy: Policy = NO_POLICY
    """What then holds for a publisher."""


class Answers(Generic[Key]):
    """Answers by question, at most `MAX_KEPT`; of more the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[float, Answer]] = {}

    def find(self, question: Key, now: float) -> Answer | None:
        """The answer that still holds.

        Args:
            question: all that the answer may depend on.
            now: seconds on the monotonic clock.
        """
        kept = self._kept.get(question)
        if kept is None:
            return None
        until, answer = kept
        if now < until:
            return answer
        del self._kept[question]
        return None

    def keep(self, question: Key, answer: Answer, now: float) -> None:
        """Keep it, if it says so."""
        if answer.max_age_s <= 0 or answer.allows is None:
            return
        self._kept.pop(question, None)
        if len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[question] = now + min(answer.max_age_s, MAX_KEPT_S), answer


def max_age_s(cache_control: str) -> float:
    """How long an answer holds by its `Cache-Control` (RFC 9111 §5.2.2); 0 if it does not say."""
    if _NO_STORE.search(cache_control):
        return 0
    found = _MAX_AGE.search(cache_control)
    return float(found[1]) if found else 0
