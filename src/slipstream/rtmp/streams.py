"""The message streams of one client: which exist, and what each is used for.

A message stream is a number that `createStream` gives and that later messages carry. Ids
count from 1, as gortmplib's client insists on, and the lowest free one is given again, so
that a player that stops and plays anew keeps the id that viewers share.
"""

from __future__ import annotations

from itertools import count

from slipstream.rtmp.events import PlayRequested, PublishRequested
from slipstream.rtmp.legality import STREAM_STEPS, Effect, StreamInput, Use
from slipstream.rtmp.messages import Message

_PUBLISHES = (Use.PUBLISH_ASKED, Use.PUBLISHING)
_PLAYS = (Use.PLAY_ASKED, Use.PLAYING)


class MessageStream:
    """One of them."""

    __slots__ = ("early_metadata", "id", "name", "request", "use")

    def __init__(self, stream_id: int) -> None:
        self.id = stream_id
        self.use = Use.IDLE
        self.name = ""  # that it publishes or plays, or asks to
        self.request: PublishRequested | PlayRequested | None = None  # not answered yet
        self.early_metadata: Message | None = None  # that came before it was publishing


class MessageStreams:
    """All of them; so few that they are searched."""

    __slots__ = ("_all", "_max_streams")

    def __init__(self, max_streams: int) -> None:
        self._max_streams = max_streams
        self._all: list[MessageStream] = []

    def create(self) -> MessageStream | None:
        """Return a new one, or None if there are too many."""
        if len(self._all) >= self._max_streams:
            return None
        taken = {stream.id for stream in self._all}
        stream = MessageStream(next(number for number in count(1) if number not in taken))
        self._all.append(stream)
        return stream

    def remove(self, stream: MessageStream) -> None:
        """Forget it; its id is free."""
        self._all.remove(stream)

    def find(self, stream_id: int) -> MessageStream | None:
        """The one with this id. Some encoders send 0, and mean the only one there is."""
        for stream in self._all:
            if stream.id == stream_id:
                return stream
        return self._all[0] if stream_id == 0 and len(self._all) == 1 else None

    def publishing(self, name: str) -> list[MessageStream]:
        """Those that publish under this name, or ask to."""
        return [stream for stream in self._all if stream.name == name and stream.use in _PUBLISHES]

    def playing(self, *, besides: MessageStream | None = None) -> int:
        """How many play, or ask to."""
        return sum(stream.use in _PLAYS for stream in self._all if stream is not besides)

    def all(self) -> list[MessageStream]:
        """A list that stays as it is."""
        return list(self._all)


def advance(stream: MessageStream | None, request: StreamInput) -> Effect:
    """Take a message stream one step further, and return what is to be done."""
    if stream is None:
        return STREAM_STEPS[Use.NONE, request].effect
    effect, stream.use = STREAM_STEPS[stream.use, request]
    return effect
