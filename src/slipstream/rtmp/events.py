"""Events: what a connection tells the application, in the order in which it happened.

Those that end in "Requested" are questions for a server's application: it answers with the
connection's `accept_...` or `reject_...`, at once or later. The others are news. The second
half is what a client tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple, TypeAlias

from slipstream.amf import Value
from slipstream.rtmp.capabilities import EnhancedCapabilities
from slipstream.rtmp.messages import Message

PublishKind: TypeAlias = Literal["live", "record", "append"]


class PlayMode(Enum):
    """What a player wants to see."""

    ANY = "live if there is a publisher, otherwise recorded, otherwise wait for one"
    LIVE = "live only"
    RECORDED = "recorded only"


class PlayStart(NamedTuple):
    """Where a player wants to start."""

    mode: PlayMode
    position_ms: int = 0  # into the recording


# Of both sides


@dataclass(frozen=True, slots=True)
class HandshakeDone:
    """The chunk stream begins."""


class MediaReceived(NamedTuple):
    """Consecutive messages of one stream in one read: audio, video and data (types 8, 9, 18).

    A NamedTuple since one is made for every read: a frozen dataclass takes 1.1 us, this 0.8.
    """

    stream_id: int
    messages: list[Message]


@dataclass(frozen=True, slots=True)
class PongReceived:
    """The peer answered our ping."""

    timestamp_ms: int  # as it stood in the ping


# Of a server


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """A client wants to use an application."""

    app: str  # cleaned up, perhaps empty
    query: str  # behind the "?" of the app or else of the tcUrl, as it came
    tc_url: str
    flash_ver: str  # what the client calls itself
    properties: Mapping[str, Value]  # all that it sent
    enhanced: EnhancedCapabilities
    arguments: list[Value]  # behind the properties: some clients pass tokens here


@dataclass(frozen=True, slots=True)
class PublishRequested:
    """A client wants to publish on one of its message streams."""

    stream_id: int
    name: str  # cleaned up
    query: str
    kind: PublishKind


@dataclass(frozen=True, slots=True)
class PlayRequested:
    """A client wants to play on one of its message streams."""

    stream_id: int
    name: str  # cleaned up
    query: str
    start: PlayStart
    duration_ms: int | None  # None: to the end; 0: a single frame
    reset: bool  # of what was queued before, which `accept_play` then confirms


@dataclass(frozen=True, slots=True)
class PublishEnded:
    """The client ended its publication, or took its request back before it was answered."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class PlayEnded:
    """The client stopped playing, or took its request back before it was answered."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class PauseRequested:
    """A player wants to pause or to go on; `confirm_pause` tells it that this was done."""

    stream_id: int
    paused: bool
    position_ms: int


@dataclass(frozen=True, slots=True)
class SeekRequested:
    """A player wants to go on elsewhere."""

    stream_id: int
    position_ms: int


@dataclass(frozen=True, slots=True)
class ReceiveAudio:
    """A player wants sound, or none."""

    stream_id: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class ReceiveVideo:
    """A player wants pictures, or none."""

    stream_id: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class BufferLengthSet:
    """A player tells how much it buffers: a hint, which nothing should be allocated from."""

    stream_id: int
    length_ms: int


# Of a client


@dataclass(frozen=True, slots=True)
class Connected:
    """The server has accepted us."""

    properties: Mapping[str, Value]
    information: Mapping[str, Value]
    enhanced: EnhancedCapabilities


@dataclass(frozen=True, slots=True)
class StreamCreated:
    """The server has given us a message stream."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class PublishStarted:
    """The server waits for our media."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class PlayStarted:
    """The server's media will follow."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class StatusReceived:
    """The server told something that changes nothing here."""

    stream_id: int
    level: str
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class ReconnectRequested:
    """The server wants us to connect anew, at a keyframe, and serves us until then."""

    tc_url: str  # absolute, "//host/app", "/app", or nothing for the same one
    description: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The server refused what we asked for, or ended it. Nothing follows."""

    code: str
    description: str
    redirect: str = ""  # the tcUrl to try instead, or nothing


Event: TypeAlias = (
    HandshakeDone
    | MediaReceived
    | PongReceived
    | ConnectRequested
    | PublishRequested
    | PlayRequested
    | PublishEnded
    | PlayEnded
    | PauseRequested
    | SeekRequested
    | ReceiveAudio
    | ReceiveVideo
    | BufferLengthSet
    | Connected
    | StreamCreated
    | PublishStarted
    | PlayStarted
    | StatusReceived
    | ReconnectRequested
    | Ended
)
