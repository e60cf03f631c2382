"""Which requests are legal when: a table for the connection, and one for each message stream.

`CONNECTION_STEPS[phase, input]` and `STREAM_STEPS[use, input]` say what is to be done and what
the state is afterwards, for every state and every input, those of the application included:
it may decide late, when the client has long gone on. Calls that clients make in any order
(releaseStream, FCPublish, _checkbw and what else they like) have no state, and no row.

Source: RTMP 1.0 §7.2, and what clients do: Haivision's encoders send FCPublish after
createStream, others ask twice, and RootEncoder connects anew after it was rejected.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Generic, NamedTuple, TypeVar

State = TypeVar("State", bound=Enum)
Input = TypeVar("Input", bound=Enum)


class _Key(Enum):
    """Part of a table's key. Enum's own hash is written in Python: a step takes 0.7 us instead
    of 1.2 without it.
    """

    __hash__ = object.__hash__


class Phase(_Key):
    """How far the connection is. Values are what to say of it."""

    OPEN = "not connected"
    CONNECTING = "connect is not answered yet"
    CONNECTED = "connected"


class Use(_Key):
    """What a message stream is used for. Values are what to say of it."""

    NONE = "no such message stream"
    IDLE = "not in use"
    PUBLISH_ASKED = "publish is not answered yet"
    PUBLISHING = "publishing"
    PLAY_ASKED = "play is not answered yet"
    PLAYING = "playing"


class ConnectionInput(_Key):
    """What may happen to the connection."""

    CONNECT = auto()
    CREATE_STREAM = auto()
    UNREADABLE_COMMAND = auto()
    ACCEPT_CONNECT = auto()  # from here on by our application
    REJECT_CONNECT = auto()


class StreamInput(_Key):
    """What may happen to a message stream."""

    PUBLISH = auto()
    PLAY = auto()
    CLOSE = auto()  # closeStream, deleteStream, FCUnpublish
    CONTROL = auto()  # pause, seek, receiveAudio, receiveVideo
    METADATA = auto()
    MEDIA = auto()
    ACCEPT_PUBLISH = auto()  # from here on by our application
    REJECT_PUBLISH = auto()
    END_PUBLISH = auto()
    ACCEPT_PLAY = auto()
    REJECT_PLAY = auto()
    END_PLAY = auto()


class Effect(Enum):
    """What is to be done."""

    ASK = auto()  # the application decides
    REPLACE = auto()  # the same, after it was told that the old use has ended
    TELL = auto()  # the application is told
    HOLD = auto()  # kept until the application has decided
    SEND = auto()  # the client is told
    REFUSE = auto()  # the client is told that it may not
    IGNORE = auto()
    VIOLATION = auto()  # nothing sensible can follow


class Step(NamedTuple, Generic[State]):
    """What an input does."""

    effect: Effect
    state: State  # afterwards


def _steps(
    states: type[State], rows: dict[Input, tuple[tuple[Effect, State | None], ...]]
) -> dict[tuple[State, Input], Step[State]]:
    """Make a table out of rows that have one cell a state; None: the state stays."""
    return {
        (state, name): Step(effect, after or state)
        for name, row in rows.items()
        for state, (effect, after) in zip(states, row, strict=True)
    }


_TELL = (Effect.TELL, None)
_HOLD = (Effect.HOLD, None)
_SEND = (Effect.SEND, None)
_NO = (Effect.REFUSE, None)
_SKIP = (Effect.IGNORE, None)
_BREAK = (Effect.VIOLATION, None)

_ASK = (Effect.ASK, Phase.CONNECTING)
_LET_IN = (Effect.SEND, Phase.CONNECTED)
_REOPEN = (Effect.SEND, Phase.OPEN)

_ASK_PUB = (Effect.ASK, Use.PUBLISH_ASKED)
_NEW_PUB = (Effect.REPLACE, Use.PUBLISH_ASKED)
_ASK_PLAY = (Effect.ASK, Use.PLAY_ASKED)
_NEW_PLAY = (Effect.REPLACE, Use.PLAY_ASKED)
_GO_PUB = (Effect.SEND, Use.PUBLISHING)
_GO_PLAY = (Effect.SEND, Use.PLAYING)
_LEFT = (Effect.TELL, Use.IDLE)
_ENDED = (Effect.SEND, Use.IDLE)

# fmt: off
CONNECTION_STEPS = _steps(Phase, {
    #                                    OPEN     CONNECTING CONNECTED
    ConnectionInput.CONNECT:            (_ASK,    _NO,       _NO),
    ConnectionInput.CREATE_STREAM:      (_NO,     _NO,       _SEND),
    ConnectionInput.UNREADABLE_COMMAND: (_BREAK,  _BREAK,    _SKIP),
    ConnectionInput.ACCEPT_CONNECT:     (_SKIP,   _LET_IN,   _SKIP),
    ConnectionInput.REJECT_CONNECT:     (_SKIP,   _REOPEN,   _SKIP),
})

STREAM_STEPS = _steps(Use, {
    #                                              PUBLISH_              PLAY_
    #                            NONE   IDLE       ASKED      PUBLISHING ASKED      PLAYING
    StreamInput.PUBLISH:        (_NO,   _ASK_PUB,  _NEW_PUB,  _NEW_PUB,  _NEW_PUB,  _NEW_PUB),
    StreamInput.PLAY:           (_NO,   _ASK_PLAY, _NEW_PLAY, _NEW_PLAY, _NEW_PLAY, _NEW_PLAY),
    StreamInput.CLOSE:          (_SKIP, _SKIP,     _LEFT,     _LEFT,     _LEFT,     _LEFT),
    StreamInput.CONTROL:        (_SKIP, _SKIP,     _SKIP,     _SKIP,     _TELL,     _TELL),
    StreamInput.METADATA:       (_SKIP, _HOLD,     _HOLD,     _TELL,     _SKIP,     _SKIP),
    StreamInput.MEDIA:          (_SKIP, _SKIP,     _SKIP,     _TELL,     _SKIP,     _SKIP),
    StreamInput.ACCEPT_PUBLISH: (_SKIP, _SKIP,     _GO_PUB,   _SKIP,     _SKIP,     _SKIP),
    StreamInput.REJECT_PUBLISH: (_SKIP, _SKIP,     _ENDED,    _SKIP,     _SKIP,     _SKIP),
    StreamInput.END_PUBLISH:    (_SKIP, _SKIP,     _SKIP,     _ENDED,    _SKIP,     _SKIP),
    StreamInput.ACCEPT_PLAY:    (_SKIP, _SKIP,     _SKIP,     _SKIP,     _GO_PLAY,  _SKIP),
    StreamInput.REJECT_PLAY:    (_SKIP, _SKIP,     _SKIP,     _SKIP,     _ENDED,    _SKIP),
    StreamInput.END_PLAY:       (_SKIP, _SKIP,     _SKIP,     _SKIP,     _SKIP,     _ENDED),
})
# fmt: on
