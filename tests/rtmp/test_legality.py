"""The tables are total, and a connection in every state does with every input what they say."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.rtmp.legality import (
    CONNECTION_STEPS,
    STREAM_STEPS,
    ConnectionInput,
    Effect,
    Phase,
    StreamInput,
    Use,
)
from slipstream.rtmp.messages import Message
from slipstream.rtmp.server import ServerConnection
from tests.rtmp.wire import (
    HANDSHAKE,
    VIDEO,
    Served,
    chunks,
    command,
    connect,
    data_message,
)

Act = Callable[[Served], object]

ACTS: dict[StreamInput, Act] = {
    StreamInput.PUBLISH: lambda s: s.send(command("publish", 5, None, "key", stream_id=1)),
    StreamInput.PLAY: lambda s: s.send(command("play", 5, None, "key", stream_id=1)),
    StreamInput.CLOSE: lambda s: s.send(command("closeStream", 0, None, stream_id=1)),
    StreamInput.CONTROL: lambda s: s.send(command("pause", 0, None, True, 0, stream_id=1)),
    StreamInput.METADATA: lambda s: s.send(data_message("@setDataFrame", "onMetaData", {})),
    StreamInput.MEDIA: lambda s: s.send(chunks(Message(0, VIDEO, 1, b"\x17\x01"), csid=6)),
    StreamInput.ACCEPT_PUBLISH: lambda s: s.connection.accept_publish(1),
    StreamInput.REJECT_PUBLISH: lambda s: s.connection.reject_publish(1),
    StreamInput.END_PUBLISH: lambda s: s.connection.end_publish(1, "code", "why"),
    StreamInput.ACCEPT_PLAY: lambda s: s.connection.accept_play(1),
    StreamInput.REJECT_PLAY: lambda s: s.connection.reject_play(1),
    StreamInput.END_PLAY: lambda s: s.connection.end_play(1),
}
WAYS: dict[Use, list[StreamInput]] = {
    Use.NONE: [],
    Use.IDLE: [],
    Use.PUBLISH_ASKED: [StreamInput.PUBLISH],
    Use.PUBLISHING: [StreamInput.PUBLISH, StreamInput.ACCEPT_PUBLISH],
    Use.PLAY_ASKED: [StreamInput.PLAY],
    Use.PLAYING: [StreamInput.PLAY, StreamInput.ACCEPT_PLAY],
}
CONNECTION_ACTS: dict[ConnectionInput, Act] = {
    ConnectionInput.CONNECT: lambda s: s.send(connect()),
    ConnectionInput.CREATE_STREAM: lambda s: s.send(command("createStream", 2, None)),
    ConnectionInput.UNREADABLE_COMMAND: lambda s: s.send(chunks(Message(0, 20, 0, b"\x0e"))),
    ConnectionInput.ACCEPT_CONNECT: lambda s: s.connection.accept_connect(),
    ConnectionInput.REJECT_CONNECT: lambda s: s.connection.reject_connect("no"),
}
PHASE_WAYS: dict[Phase, list[ConnectionInput]] = {
    Phase.OPEN: [],
    Phase.CONNECTING: [ConnectionInput.CONNECT],
    Phase.CONNECTED: [ConnectionInput.CONNECT, ConnectionInput.ACCEPT_CONNECT],
}
OF_THE_APPLICATION = frozenset(
    request for request in StreamInput if request.name.startswith(("ACCEPT", "REJECT", "END"))
)


def use_of(connection: ServerConnection) -> Use:
    stream = connection._streams.find(1)
    return stream.use if stream else Use.NONE


def test_every_state_has_a_step_for_every_input() -> None:
    assert set(CONNECTION_STEPS) == set(product(Phase, ConnectionInput))
    assert set(STREAM_STEPS) == set(product(Use, StreamInput))


def test_what_is_ignored_or_refused_changes_no_state() -> None:
    idle = {Effect.IGNORE, Effect.REFUSE, Effect.VIOLATION, Effect.HOLD}
    for (phase, _), connection_step in CONNECTION_STEPS.items():
        if connection_step.effect in idle:
            assert connection_step.state is phase
    for (use, _), stream_step in STREAM_STEPS.items():
        if stream_step.effect in idle:
            assert stream_step.state is use


@pytest.mark.parametrize(("use", "request_"), list(product(Use, StreamInput)))
def test_message_streams_go_by_the_table(use: Use, request_: StreamInput) -> None:
    served = Served().connected(0 if use is Use.NONE else 1)
    for way in WAYS[use]:
        ACTS[way](served)
    assert use_of(served.connection) is use
    served.hear()

    result = ACTS[request_](served)

    effect, after = STREAM_STEPS[use, request_]
    assert use_of(served.connection) is after
    assert served.connection.error is None
    heard = served.hear()
    if request_ in OF_THE_APPLICATION:
        assert result is (effect is Effect.SEND)
        assert bool(heard) is (effect is Effect.SEND)
    else:
        assert bool(result) is (effect in (Effect.ASK, Effect.REPLACE, Effect.TELL))
        if effect in (Effect.REFUSE, Effect.IGNORE, Effect.HOLD):
            assert [message.values[0] for message in heard] == (
                ["onStatus"] if effect is Effect.REFUSE else []
            )


@pytest.mark.parametrize(("phase", "request_"), list(product(Phase, ConnectionInput)))
def test_connections_go_by_the_table(phase: Phase, request_: ConnectionInput) -> None:
    served = Served()
    served.send(HANDSHAKE)
    for way in PHASE_WAYS[phase]:
        CONNECTION_ACTS[way](served)
    served.hear()

    CONNECTION_ACTS[request_](served)

    effect, after = CONNECTION_STEPS[phase, request_]
    assert served.connection._phase is after
    assert (served.connection.error is not None) is (effect is Effect.VIOLATION)
    answered = effect in (Effect.SEND, Effect.REFUSE)
    assert bool(served.hear()) is answered


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(StreamInput), max_size=12))
def test_any_sequence_goes_by_the_table(requests: list[StreamInput]) -> None:
    served = Served().connected()
    use = Use.IDLE
    for request in requests:
        ACTS[request](served)
        use = STREAM_STEPS[use, request].state
        assert use_of(served.connection) is use
        assert served.connection.error is None
