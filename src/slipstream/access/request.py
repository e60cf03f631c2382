"""May they? The question, as `net` and `http` ask it, and the answer.

One request says all that is known of who wants what. The answer is a decision, with the
credential that later decides who may take a stream over and the policy that then holds; or that
nobody here can tell, and others must be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from slipstream.access.policy import NO_POLICY, Policy


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
    user: str = ""
    """Who has proved with a password to be so called."""
    client: str = ""
    """What the peer calls itself: RTMP's `flashVer`, HTTP's `User-Agent`."""
    id: str = ""
    """Of the connection, as in the log; empty over HTTP."""
    tc_url: str = ""
    """RTMP's address of the application, as sent."""
    page_url: str = ""
    """The page on which the player is: RTMP's `pageUrl`, HTTP's `Referer`."""
    origin: str = ""
    """HTTP's `Origin`."""
    bearer: str = ""
    """The token of HTTP's `Authorization`. It goes to nobody, and into no log."""


class Grant(NamedTuple):
    """What somebody was let in by, as far as it can be taken back."""

    way: str = ""
    """As in the settings; empty: it cannot be."""
    holder: str = ""
    """Whose it is: the hash of a stream key, or the name of a user."""
    expires: float | None = None
    """Seconds since 1970; None: never."""


NO_GRANT = Grant()


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and why."""

    allowed: bool
    credential: str = ""
    """Who it is: whoever has the same may take a stream over. Empty: anybody with the address."""
    reason: str = ""
    """For the log; what the peer is told never depends on it."""
    policy: Policy = NO_POLICY
    """What then holds for a publisher, besides what the settings say."""
    grant: Grant = NO_GRANT
    """What it rests on."""
    guess: bool = False
    """A no that counts towards the limit of wrong credentials."""
    undecided: bool = False
    """Others must be asked: `await gate.ask(request)`. Until then the answer is no."""
