"""What is posted, and how the answer is read: ours, and those of two other servers.

A form makes a body of a notice or of a question, and reads answers. It does no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol
from urllib.parse import unquote_plus

from slipstream.hooks.answers import Answer
from slipstream.hub import Notice

CREDENTIALS = ("key", "token", "sig")  # parameters of a query that let somebody in here
MASKED = "***"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happened, and to whom."""

    id: str
    """Of what is posted, however often."""
    at_s: float
    """In seconds since 1970."""
    server: str
    """What this server calls itself."""


class Posted(NamedTuple):
    """The status and the body of an answer."""

    status: int
    body: bytes


class Form(Protocol):
    """A way to tell and to ask."""

    content_type: str

    def tell(self, notice: Notice, stamp: Stamp) -> bytes | None:
        """The body that tells of an event; None if this form has no such event."""

    def ask(self, action: str, notice: Notice, stamp: Stamp) -> bytes | None:
        """The body that asks about an action; None if this form has no such question.

        Args:
            action: `connect`, `publish` or `play`, or `update` of whoever publishes or plays.
            notice: who wants what; of an update its kind says whether it publishes or plays.
            stamp: with it.
        """

    def read(self, posted: Posted) -> Answer:
        """What the answer to a question says."""


def no_answer(status: int) -> Answer:
    """The status means neither yes nor no."""
    if 300 <= status < 400:
        return Answer(None, f"answered with the redirect {status}, which is not followed")
    return Answer(None, f"answered with the status {status}")


def without_credentials(query: str) -> str:
    """A query with our own credentials masked, for those who are only told."""
    parts = []
    for part in query.split("&"):
        name, equals, _ = part.partition("=")
        is_credential = unquote_plus(name) in CREDENTIALS
        parts.append(f"{name}={MASKED}" if equals and is_credential else part)
    return "&".join(parts)
