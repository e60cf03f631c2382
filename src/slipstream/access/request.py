"""May they? The question, as `net` asks it, and the answer.

One request says all that is known of who wants what. The answer is a decision with the
credential that later decides who may take a stream over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Action(StrEnum):
    """What somebody wants to do with a stream."""

    PUBLISH = "publish"
    PLAY = "play"


class Request(NamedTuple):
    """Who wants what. A NamedTuple because players of HLS ask several times a second."""

    action: Action
    stream: str
    """`app/name`, already checked."""
    address: str
    """Of the peer, without the port."""
    query: str
    """What stood behind the '?' of the stream's name or the application, as sent."""
    protocol: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and why."""

    allowed: bool
    credential: str = ""
    """Who it is: whoever has the same may take a stream over. Empty: anybody with the address."""
    reason: str = ""
    """For the log; what the peer is told never depends on it."""
