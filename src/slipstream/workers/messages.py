"""What workers and their supervisor tell each other; `packets` makes bytes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Since(StrEnum):
    """From where on a worker wants what another writes."""

    BEGINNING = "beginning"
    """Of the present publication, or of one that has just ended: viewers wait for it here."""
    ENTRY = "entry"
    """Wherever a viewer may start: one has come who waits for no publication in particular."""
    BREAK = "break"
    """The connection broke over which it had followed this publication already."""


# From a worker


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message, on every connection to a supervisor: who it is and what it holds."""

    number: int
    """Never used twice by one server."""
    slot: int
    """Which of the server's places it fills, from 0; whoever replaces it fills the same."""
    generation: int
    pid: int
    ready: bool
    """Whether it accepts connections."""
    homes: list[str]
    """Streams whose publishers are here."""
    held: list[str]
    """Streams of which it has anything."""
    seats: dict[str, int]
    """Viewers of streams that have a limit, but for those in `players`."""
    players: dict[str, dict[str, int]] = field(default_factory=dict)
    """By stream: who has how many seats here, and may have some in other workers."""
    limits: dict[str, int] = field(default_factory=dict)
    """Of `homes`: how many viewers those may have that are limited by who publishes them."""
    forms: dict[str, list[str]] = field(default_factory=dict)
    """Of `held`: in which formats."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The loop runs; sent once a second."""


@dataclass(frozen=True, slots=True)
class Ready:
    """It accepts connections."""


@dataclass(frozen=True, slots=True)
class ClaimHome:
    """It wants to be the home of a stream."""

    ticket: int
    name: str
    credential: str


@dataclass(frozen=True, slots=True)
class Release:
    """It is the home of a stream no more."""

    name: str
    head_ms: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Told that a stream has no home: what it has of it ends at `head_ms`."""

    name: str
    head_ms: int


@dataclass(frozen=True, slots=True)
class Forget:
    """It has nothing of a stream any more."""

    name: str


@dataclass(frozen=True, slots=True)
class Want:
    """It has viewers who wait for a stream, in a format that its next home is to have ready."""

    name: str
    form: str


@dataclass(frozen=True, slots=True)
class Follow:
    """It wants what a stream's home writes in a format, over the socket that comes along."""

    name: str
    form: str
    since: Since


@dataclass(frozen=True, slots=True)
class Move:
    """The connection that comes along belongs to another worker; its body has been read from it."""

    home: int
    name: str
    address: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A stream whose home it is may have so many viewers (0: any number); passed on to all."""

    name: str
    max_viewers: int


@dataclass(frozen=True, slots=True)
class TakeSeat:
    """A viewer wants to watch a stream that may have `limit` of them."""

    ticket: int
    name: str
    limit: int
    player: str = ""
    """Who it is, if it may be in other workers, too; it takes one seat. Empty: one by itself."""


@dataclass(frozen=True, slots=True)
class LeaveSeat:
    """Such a viewer has gone."""

    name: str
    player: str = ""


@dataclass(frozen=True, slots=True)
class WrongKey:
    """Somebody has shown a wrong key; passed on to all others."""

    address: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the home of a stream, or to all other workers."""

    ticket: int
    question: str
    arguments: dict[str, Any]
    stream: str
    """Empty: all others."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker answers to a `Question`."""

    ticket: int
    value: Any


@dataclass(frozen=True, slots=True)
class Yielded:
    """The answer to `Yield`: the stream is free, or it is not."""

    name: str
    head_ms: int
    refusal: str


@dataclass(frozen=True, slots=True)
class Load:
    """How many connections a worker has; passed on to all others, so that none takes too many."""

    worker: int
    connections: int


@dataclass(frozen=True, slots=True)
class Reload:
    """It was asked to have the configuration read again."""

    ticket: int


# From the supervisor


@dataclass(frozen=True, slots=True)
class Homes:
    """Where all streams are; the answer to `Hello`."""

    homes: dict[str, int]
    limits: dict[str, int] = field(default_factory=dict)
    """As in `Hello`."""


@dataclass(frozen=True, slots=True)
class Located:
    """A stream has a new home, or none (0)."""

    name: str
    home: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer to `ClaimHome`."""

    ticket: int
    home: int
    """The worker that is the stream's home; 0: the one that asked."""
    floor_ms: int
    refusal: str
    wanted: list[str]
    """Formats in which viewers elsewhere wait."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Another worker follows a stream of which this one is the home, over the socket with it."""

    name: str
    form: str
    since: Since


@dataclass(frozen=True, slots=True)
class Moved:
    """A connection for a stream of which this one is the home; its body has been read from it."""

    name: str
    address: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class Yield:
    """Give a stream up to a publisher elsewhere, if its credential allows that."""

    name: str
    credential: str


@dataclass(frozen=True, slots=True)
class Seated:
    """The answer to `TakeSeat`."""

    ticket: int
    room: bool


@dataclass(frozen=True, slots=True)
class Question:
    """Asked by another worker; wants an `Answer`."""

    ticket: int
    question: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers to `Ask`, of those that answered in time."""

    ticket: int
    values: list[Any]
    asked: int


@dataclass(frozen=True, slots=True)
class Census:
    """The workers there are, sent whenever that changes."""

    workers: dict[str, list[int]]
    """By number (as text): slot, pid, generation."""


@dataclass(frozen=True, slots=True)
class Configure:
    """The configuration in force: when it has been read again, and after `Hello`."""

    config: str
    """As JSON."""
    pending: list[str]
    """Settings that wait until the server is replaced."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The answer to `Reload`."""

    ticket: int
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """End politely, and soon."""


@dataclass(frozen=True, slots=True)
class Drain:
    """Accept nobody any more, and end when those who are there have left."""


@dataclass(frozen=True, slots=True)
class Replacing:
    """The supervisor is about to be replaced: wait for the new one, and make none."""


Message = (
    Hello
    | Pulse
    | Ready
    | ClaimHome
    | Release
    | Lost
    | Forget
    | Want
    | Follow
    | Move
    | Limit
    | TakeSeat
    | LeaveSeat
    | WrongKey
    | Load
    | Reload
    | Ask
    | Answer
    | Yielded
    | Homes
    | Located
    | Claimed
    | Feed
    | Moved
    | Yield
    | Seated
    | Question
    | Answered
    | Census
    | Configure
    | Reloaded
    | Stop
    | Drain
    | Replacing
)
KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in Message.__args__}
