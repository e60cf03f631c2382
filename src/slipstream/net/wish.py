"""What a viewer asks for beside a stream's name, in the query of its address.

`?latency=MS` is a latency ceiling of its own. `?delay=SECONDS` is how far behind the live edge
it wants to be held. Other parts of a query are somebody else's.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs

from pydantic import ValidationError

from slipstream.errors import SlipstreamError
from slipstream.hub import StreamSettings

STEP_MS = 100  # delays are rounded to it, so that those who are held share their sends
MAX_DELAY_S = 86_400
MAX_FIELDS = 100  # of a query; more is somebody's experiment on us


class BadWishError(SlipstreamError):
    """What the viewer asks for makes no sense; the message says what would."""


class Wish(NamedTuple):
    """How a viewer wants to be served."""

    delay_ms: int = 0
    ceiling_ms: int | None = None  # None: the application's

    def limit_ms(self, settings: StreamSettings) -> int:
        """The latency ceiling that holds for the viewer."""
        return self.ceiling_ms or settings.latency_ceiling_ms

    def hold_ms(self, settings: StreamSettings) -> int:
        """How far behind the viewer can be held so that what it needs is never dropped."""
        return min(self.delay_ms, max(settings.keep_ms - settings.latency_ceiling_ms, 0))


def parse_wish(query: str) -> Wish:
    """Read a query. Where a field comes twice, the first counts.

    Raises:
        BadWishError: a number is none, or out of bounds.
    """
    if "delay=" not in query and "latency=" not in query:
        return Wish()
    try:
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise BadWishError(f"more than {MAX_FIELDS} fields in the query") from error
    delay, latency = fields.get("delay"), fields.get("latency")
    return Wish(
        delay_ms=_delay_ms(delay[0]) if delay else 0,
        ceiling_ms=_ceiling_ms(latency[0]) if latency else None,
    )


def _delay_ms(text: str) -> int:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_DELAY_S:  # and not for what is no number
        raise BadWishError(f"delay={text[:40]!r}: it is a number of seconds, 0 to {MAX_DELAY_S}")
    return round(seconds * 1000 / STEP_MS) * STEP_MS


def _ceiling_ms(text: str) -> int:
    """The bounds are those of the setting."""
    try:
        return StreamSettings.model_validate({"latency_ceiling_ms": text}).latency_ceiling_ms
    except ValidationError as error:
        says = error.errors()[0]["msg"]
        raise BadWishError(f"latency={text[:40]!r}, in ms: {says.lower()}") from error
