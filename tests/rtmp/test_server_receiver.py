"""Commands of clients, in the dialects that real ones speak, and in no order at all."""

from __future__ import annotations

import pytest

from slipstream.amf import Value, build_amf0
from slipstream.rtmp import (
    BufferLengthSet,
    ConnectRequested,
    Event,
    MediaReceived,
    Message,
    PauseRequested,
    PlayEnded,
    PlayRequested,
    PublishEnded,
    PublishRequested,
    ReceiveAudio,
    ReceiveVideo,
    SeekRequested,
    ServerConnection,
    ServerLimits,
)
from tests.rtmp.wire import (
    AUDIO,
    COMMAND,
    DATA,
    HANDSHAKE,
    Served,
    chunks,
    command,
    connect,
    random_bytes,
    user_control,
)

METADATA = build_amf0("@setDataFrame", "onMetaData", {"width": 1280.0})


def publish(name: Value = "key", *more: Value, stream_id: int = 1) -> bytes:
    return command("publish", 5, None, name, *more, stream_id=stream_id)


def play(name: Value = "key", *more: Value, stream_id: int = 1) -> bytes:
    return command("play", 5, None, name, *more, stream_id=stream_id)


def metadata(stream_id: int) -> bytes:
    return chunks(Message(0, DATA, stream_id, METADATA), csid=4)


def test_connect_is_asked_and_nothing_said_until_it_is_decided() -> None:
    served = Served()
    served.send(HANDSHAKE)
    served.hear()
    (request,) = served.send(connect(app="live/?token=x"))
    assert isinstance(request, ConnectRequested)
    assert (request.app, request.query) == ("live", "token=x")
    assert served.hear() == []


def test_connect_twice_is_an_error_for_the_second() -> None:
    served = Served().connected()
    assert served.send(connect(9)) == []
    (heard,) = served.hear()
    assert heard.values[:3] == ["_error", 9, None]


def test_connect_again_after_a_rejection() -> None:
    """RootEncoder does so on the same socket."""
    served = Served()
    served.send(HANDSHAKE + connect())
    assert served.connection.reject_connect("code=403 need auth; authmod=adobe")
    (request,) = served.send(connect(app="live?authmod=adobe&user=u"))
    assert isinstance(request, ConnectRequested)
    assert served.connection.accept_connect()


def test_connect_to_what_could_never_be_an_application() -> None:
    served = Served()
    served.send(HANDSHAKE)
    served.hear()
    assert served.send(connect(app="li\nve")) == []
    (heard,) = served.hear()
    assert (heard.values[0], heard.code) == ("_error", "NetConnection.Connect.InvalidApp")


def test_connect_without_properties_ends_the_connection() -> None:
    served = Served()
    assert len(served.send(HANDSHAKE + command("connect", 1, None))) == 1
    assert "properties" in str(served.connection.error)


def test_unreadable_commands_end_only_what_has_not_begun() -> None:
    bad = chunks(Message(0, COMMAND, 0, b"\2\0\x0cset_playlist\0" + bytes(8) + b"\5\x08\0\0"))
    served = Served().connected()
    assert served.send(bad) == []
    assert (served.connection.error, served.connection.commands_ignored) == (None, 1)
    early = Served()
    early.send(HANDSHAKE + bad)
    assert early.connection.error is not None


def test_ids_count_from_one_up_to_the_limit() -> None:
    served = Served().connected(0)
    for expected in range(1, 9):
        served.send(command("createStream", expected + 1, None))
        assert served.hear()[0].values == ["_result", expected + 1, None, expected]
    for _ in range(5):
        served.send(command("createStream", 20, None))
        assert served.hear()[0].values[:3] == ["_error", 20, None]
    assert served.connection.error is None


def test_streams_are_created_by_who_is_connected() -> None:
    served = Served()
    served.send(HANDSHAKE)
    served.hear()
    served.send(command("createStream", 2, None))
    assert served.hear()[0].values[:3] == ["_error", 2, None]


@pytest.mark.parametrize("request_", [publish, play])
def test_no_stream_no_publishing_or_playing(request_: type) -> None:
    served = Served().connected()
    assert served.send(request_(stream_id=5)) == []
    (heard,) = served.hear()
    assert heard.stream_id == 5
    assert heard.code in ("NetStream.Publish.BadName", "NetStream.Play.Failed")


def test_publish_on_stream_0_means_the_only_one() -> None:
    served = Served().connected()
    assert served.send(publish(stream_id=0)) == [PublishRequested(1, "key", "", "live")]
    served.connection.accept_publish(1)
    message = Message(0, AUDIO, 0, b"\xaf\x01")
    assert served.send(chunks(message, csid=4)) == [MediaReceived(1, [message])]


@pytest.mark.parametrize("name", ["", "a\0b", "n" * 256, None, 5.0])
def test_impossible_names_are_refused_at_once(name: Value) -> None:
    served = Served().connected()
    assert served.send(publish(name) + play(name)) == []
    assert [heard.code for heard in served.hear()] == [
        "NetStream.Publish.BadName",
        "NetStream.Play.Failed",
    ]
    assert served.connection.error is None


def test_a_new_request_ends_the_old_use() -> None:
    served = Served().publishing("a")
    assert served.send(play("b")) == [PublishEnded(1), served_play("b")]
    served.connection.accept_play(1)
    assert served.send(publish("c")) == [PlayEnded(1), PublishRequested(1, "c", "", "live")]


def served_play(name: str, stream_id: int = 1) -> PlayRequested:
    (event,) = Served().connected().send(play(name))
    assert isinstance(event, PlayRequested)
    return event


def test_a_question_taken_back_in_the_same_read_is_never_asked() -> None:
    """Or else the answer to it could be taken for one to the next."""
    served = Served().connected()
    close = command("closeStream", 0, None, stream_id=1)
    assert served.send(publish("public") + close + publish("secret")) == [
        PublishRequested(1, "secret", "", "live")
    ]
    assert served.send(close) == [PublishEnded(1)]


def test_others_go_on_while_a_player_waits() -> None:
    served = Served().connected(2)
    served.send(play("a"))
    assert served.send(publish("b", stream_id=2)) == [PublishRequested(2, "b", "", "live")]
    served.send(user_control(6, 1) + command("_checkbw", 9, None))
    assert len(served.hear()) == 2
    assert served.connection.accept_play(1)


@pytest.mark.parametrize("target", [1, "key", "/key?x=1", "unknown"])
def test_delete_stream_takes_an_id_or_a_name(target: Value) -> None:
    """GStreamer sends the name, and what it says may not be what it published."""
    served = Served().publishing("key")
    assert served.send(command("deleteStream", 0, None, target)) == [PublishEnded(1)]
    assert [heard.code for heard in served.hear()] == ["NetStream.Unpublish.Success"]
    served.send(command("createStream", 9, None))
    assert served.hear()[0].values[-1] == 1  # the id is free again


def test_delete_stream_by_name_spares_the_others() -> None:
    served = Served().connected(2)
    served.send(publish("a") + publish("b", stream_id=2))
    assert served.send(command("deleteStream", 0, None, "b")) == [PublishEnded(2)]


@pytest.mark.parametrize("arguments", [(7,), (float("nan"),), (-1,), (1e300,), (None,), ()])
def test_delete_stream_of_nothing(arguments: tuple[Value, ...]) -> None:
    served = Served().connected(2)
    assert served.send(command("deleteStream", 0, None, *arguments)) == []
    assert (served.connection.error, served.hear()) == (None, [])


def test_close_stream_keeps_the_id() -> None:
    served = Served().playing()
    assert served.send(command("closeStream", 0, None, stream_id=1)) == [PlayEnded(1)]
    assert [heard.code for heard in served.hear()] == ["NetStream.Play.Stop"]
    assert len(served.send(play("other"))) == 1


@pytest.mark.parametrize("times", [1, 2])
def test_fc_publish_before_publish(times: int) -> None:
    served = Served().connected()
    for _ in range(times):
        served.send(command("FCPublish", 3, None, "key"))
        assert [heard.values for heard in served.hear()] == [["_result", 3, None, None]]
    served.send(publish())
    served.connection.accept_publish(1)
    names = [heard.values[0] for heard in served.hear() if heard.type_id == COMMAND]
    assert names == ["onFCPublish", "onStatus"]


def test_fc_publish_after_publish() -> None:
    served = Served().publishing()
    served.send(command("FCPublish", 3, None, "key"))
    result, notice = served.hear()
    assert result.values == ["_result", 3, None, None]
    assert (notice.values[0], notice.code) == ("onFCPublish", "NetStream.Publish.Start")


def test_fc_publish_was_not_sent() -> None:
    served = Served().connected()
    served.send(publish())
    served.connection.accept_publish(1)
    assert [heard.values[0] for heard in served.hear() if heard.type_id == COMMAND] == ["onStatus"]


def test_fc_unpublish_ends_what_it_names() -> None:
    served = Served().publishing("key")
    assert served.send(command("FCUnpublish", 7, None, "other")) == []
    assert [heard.values for heard in served.hear()] == [["_result", 7, None, None]]
    assert served.send(command("FCUnpublish", 8, None, "key?token=1")) == [PublishEnded(1)]
    heard = [message.values[0] for message in served.hear()]
    assert heard == ["onFCUnpublish", "onStatus", "_result"]


@pytest.mark.parametrize("name", ["", "a\0", None])
def test_fc_unpublish_of_nothing(name: Value) -> None:
    served = Served().publishing("key")
    assert served.send(command("FCUnpublish", 0, None, name)) == []
    assert served.hear() == []


@pytest.mark.parametrize("asked", [False, True], ids=["before publish", "before its answer"])
@pytest.mark.parametrize("stream_id", [0, 1])
def test_early_metadata_is_kept_for_the_publication(stream_id: int, asked: bool) -> None:
    served = Served().connected()
    early = metadata(stream_id)
    served.send(publish() + early if asked else early + publish())
    served.connection.accept_publish(1)
    sound = Message(5, AUDIO, 1, b"\xaf\x01")
    (event,) = served.send(chunks(sound, csid=4))
    assert event == MediaReceived(1, [Message(0, DATA, stream_id, METADATA), sound])
    assert served.send(chunks(sound, csid=4)) == [MediaReceived(1, [sound])]


def test_early_metadata_goes_with_the_request_that_was_refused() -> None:
    served = Served().connected()
    served.send(metadata(1) + publish("a"))
    served.connection.reject_publish(1)
    served.send(publish("b"))
    served.connection.accept_publish(1)
    sound = Message(5, AUDIO, 1, b"\xaf\x01")
    assert served.send(chunks(sound, csid=4)) == [MediaReceived(1, [sound])]


def test_early_metadata_is_not_kept_without_bound_or_end() -> None:
    served = Served().connected()
    large = build_amf0("onMetaData", {"x": "y" * (16 << 10)})
    served.send(chunks(Message(0, DATA, 1, large), csid=4))
    assert served.connection.messages_dropped == 1
    served.send(metadata(1) + publish("a") + command("closeStream", 0, None, stream_id=1))
    served.send(publish("b"))
    served.connection.accept_publish(1)
    sound = Message(5, AUDIO, 1, b"\xaf\x01")
    assert served.send(chunks(sound, csid=4)) == [MediaReceived(1, [sound])]


def test_data_in_a_message_of_the_type_of_commands() -> None:
    served = Served().publishing()
    (event,) = served.send(chunks(Message(3, COMMAND, 1, METADATA)))
    assert event == MediaReceived(1, [Message(3, DATA, 1, METADATA)])


@pytest.mark.parametrize("type_id", [17, 20])
def test_commands_of_type_17(type_id: int) -> None:
    served = Served().connected()
    payload = build_amf0("publish", 5, None, "key")
    selector = b"\0" if type_id == 17 else b""
    events = served.send(chunks(Message(0, type_id, 1, selector + payload)))
    assert events == [PublishRequested(1, "key", "", "live")]


@pytest.mark.parametrize(
    ("sent", "event"),
    [
        (("pause", 0, None, True, 500.0), PauseRequested(1, True, 500)),
        (("pause", 0, None, False, 500.5), PauseRequested(1, False, 500)),
        (("pauseRaw", 0, None, True, -1.0), PauseRequested(1, True, 0)),
        (("pause", 0, None), PauseRequested(1, True, 0)),
        (("seek", 0, None, 1500.0), SeekRequested(1, 1500)),
        (("seek", 0, None, float("inf")), SeekRequested(1, 0)),
        (("receiveAudio", 0, None, False), ReceiveAudio(1, False)),
        (("receiveVideo", 0, None, True), ReceiveVideo(1, True)),
        (("receiveVideo", 0, None, 15.0), ReceiveVideo(1, True)),
    ],
)
def test_players_control_what_they_play(sent: tuple[Value, ...], event: Event) -> None:
    name, *values = sent
    assert isinstance(name, str)
    for stream_id in (1, 0):
        served = Served().playing()
        assert served.send(command(name, *values, stream_id=stream_id)) == [event]
        assert served.hear() == []
    for idle in (Served().connected(), Served().publishing()):
        assert idle.send(command(name, *values, stream_id=1)) == []
        assert idle.connection.commands_ignored == 1


def test_play2_switches() -> None:
    served = Served().playing("low")
    switch = command("play2", 0, None, {"streamName": "high", "start": -2}, stream_id=1)
    ended, request = served.send(switch)
    assert ended == PlayEnded(1)
    assert isinstance(request, PlayRequested)
    assert (request.name, request.reset) == ("high", True)


def test_as_many_plays_as_the_limit() -> None:
    served = Served().connected(8)
    for stream_id in range(1, 5):
        assert len(served.send(play(stream_id=stream_id))) == 1
    for stream_id in range(5, 9):
        assert served.send(play(stream_id=stream_id)) == []
        (heard,) = served.hear()
        assert (heard.stream_id, heard.code) == (stream_id, "NetStream.Play.Failed")
    assert len(served.send(play("another", stream_id=4))) == 2  # in place of its own old one
    assert len(served.send(publish("own", stream_id=5))) == 1


def test_buffer_lengths_are_told_of_streams_that_exist() -> None:
    served = Served().connected(0)
    assert served.send(user_control(3, 0, 300)) == []
    served.send(command("createStream", 2, None))
    assert served.send(user_control(3, 1, 2**32 - 1)) == [BufferLengthSet(1, 2**32 - 1)]
    assert served.send(user_control(3, 9, 1)) == []


@pytest.mark.parametrize("name", ["_result", "_error", "onStatus"])
def test_answers_to_what_we_never_asked_are_ignored(name: str) -> None:
    served = Served().connected()
    assert served.send(command(name, 3, None, {"code": "x"})) == []
    assert (served.hear(), served.connection.commands_ignored) == ([], 1)


def test_as_many_commands_as_the_limit_before_authorised() -> None:
    served = Served().connected(0)  # one command
    for _ in range(63):
        served.send(command("_checkbw", 0, None))
    assert served.connection.error is None
    served.send(command("_checkbw", 0, None))
    assert "more than 64 commands" in str(served.connection.error)


def test_commands_of_one_read_past_the_rate() -> None:
    served = Served().publishing()
    served.send(command("_checkbw", 2, None) * 25)
    assert "20 commands in a second" in str(served.connection.error)
    assert len(served.hear()) == 20


def test_limits_are_arguments() -> None:
    limits = ServerLimits(first_commands=3, streams=1)
    served = Served(ServerConnection(random_bytes=random_bytes, limits=limits)).connected()
    served.send(command("createStream", 2, None))
    assert served.hear()[0].values[0] == "_error"
    served.send(command("createStream", 2, None))
    assert served.connection.error is not None
