"""The client against our own server, and what it sends to any: in order, whole, cut anywhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.amf import build_amf0
from slipstream.rtmp import (
    ClientConnection,
    ConnectRequested,
    Ended,
    Event,
    HandshakeDone,
    MediaReceived,
    Message,
    PlayMode,
    PlayRequested,
    PlayStarted,
    PublishEnded,
    PublishRequested,
    PublishStarted,
    StatusReceived,
    StreamCreated,
)
from slipstream.rtmp.capabilities import FORWARDS_EVERYTHING
from tests.rtmp.wire import (
    AUDIO,
    DATA,
    S0_S1_S2,
    SERVER,
    SUCCESS,
    URL,
    VIDEO,
    Ear,
    Heard,
    Served,
    Visitor,
    chunks,
    client,
    command,
    control,
    join,
    random_bytes,
    status,
    user_control,
)

# With our own server


def meet(guest: ClientConnection) -> Iterator[Event]:
    """A server that accepts everything; yields the events of both sides."""
    host = Served().connection
    while any(events := join(guest, host)):
        for event in events[1]:
            match event:
                case ConnectRequested():
                    host.accept_connect()
                case PublishRequested(stream_id=stream_id):
                    host.accept_publish(stream_id)
                case PlayRequested(stream_id=stream_id):
                    host.accept_play(stream_id)
        yield from events[0]
        yield from events[1]
    assert (guest.error, host.error) == (None, None)


def test_publish_to_our_server() -> None:
    guest = client()
    guest.publish(URL.name)
    events = list(meet(guest))
    assert PublishRequested(1, "key", "token=x", "live") in events
    assert events[-1] == PublishStarted(1)


def test_play_from_our_server() -> None:
    guest = client()
    guest.play(URL.name, start_s=-1)
    events = list(meet(guest))
    (request,) = (event for event in events if isinstance(event, PlayRequested))
    assert (request.name, request.query, request.start.mode) == ("key", "token=x", PlayMode.LIVE)
    assert PlayStarted(1) in events


def test_media_goes_both_ways_unchanged() -> None:
    guest, served = client(), Served()
    guest.publish("key")
    host = served.connection
    join(guest, host)
    host.accept_connect()
    join(guest, host)
    host.accept_publish(1)
    join(guest, host)
    sent = [
        Message(0, DATA, 1, build_amf0("@setDataFrame", "onMetaData", {})),
        Message(1, VIDEO, 1, bytes(range(256)) * 400),  # more than one chunk
        Message(2**32 - 1, AUDIO, 1, b"\xaf\1"),
    ]
    for message in sent:
        guest.send_media(message.type_id, message.timestamp, message.payload)
    _, events = join(guest, host)
    assert events == [MediaReceived(1, sent)]
    guest.close()
    _, events = join(guest, host)
    assert events == [PublishEnded(1)]


def test_play_media_of_our_server() -> None:
    guest, host = client(), Served().connection
    guest.play("key")
    join(guest, host)
    host.accept_connect()
    join(guest, host)
    host.accept_play(1)
    host.send_media(1, VIDEO, 40, b"\x17\1")
    events, _ = join(guest, host)
    assert events == [
        StatusReceived(1, "status", "NetStream.Play.Reset", "Playing and resetting."),
        PlayStarted(1),
        MediaReceived(1, [Message(40, VIDEO, 1, b"\x17\1")]),
    ]
    host.end_play(1)
    events, _ = join(guest, host)
    assert events == [Ended("NetStream.Play.Stop", "Playing has ended.")]


# What it sends


def test_the_handshake_is_there_from_the_beginning_and_connect_comes_first() -> None:
    """FFmpeg's listener takes nothing else for the first message."""
    visitor = Visitor()
    assert len(visitor.connection.data_to_send()) == 1537
    assert visitor.send(S0_S1_S2) == [HandshakeDone()]
    (connect,) = Ear(handshake=1536).hear(visitor.connection.data_to_send())
    name, transaction, properties = connect.values
    assert (name, transaction) == ("connect", 1)
    assert isinstance(properties, dict)
    assert (properties["app"], properties["tcUrl"]) == ("live", "rtmp://h/live")
    assert "fourCcList" not in properties


def test_capabilities_are_announced_if_given() -> None:
    guest = ClientConnection(
        "live", "rtmp://h/live", random_bytes=random_bytes, capabilities=FORWARDS_EVERYTHING
    )
    guest.data_to_send()
    guest.receive_data(S0_S1_S2)
    (connect,) = Ear(handshake=1536).hear(guest.data_to_send())
    assert isinstance(connect.values[2], dict)
    assert connect.values[2]["capsEx"] == 15


@pytest.mark.parametrize("early", [True, False], ids=["before connected", "after"])
def test_publish_in_the_order_of_ffmpeg(early: bool) -> None:
    visitor = Visitor()
    if early:
        visitor.connection.publish("key")
    visitor.send(S0_S1_S2 + command("_result", 1, SERVER, SUCCESS))
    if not early:
        visitor.connection.publish("key")
    _, window, size, *calls = visitor.hear()
    assert [window.type_id, size.type_id] == [5, 1]
    assert [call.values for call in calls] == [
        ["releaseStream", 2, None, "key"],
        ["FCPublish", 3, None, "key"],
        ["createStream", 4, None],
    ]
    assert visitor.send(command("_result", 4, None, 3)) == [StreamCreated(3)]
    (publish,) = visitor.hear()
    assert (publish.stream_id, publish.values) == (3, ["publish", 5, None, "key", "live"])


def test_play_asks_for_live_or_recorded_and_tells_what_it_buffers() -> None:
    visitor = Visitor().connected()
    visitor.connection.play("key")
    visitor.send(command("_result", 2, None, 1))
    create, play, buffer = visitor.hear()
    assert create.values == ["createStream", 2, None]
    assert (play.stream_id, play.values) == (1, ["play", 3, None, "key", -2])
    assert buffer.values == [bytes.fromhex("0003 00000001 00000bb8")]


def test_media_is_sent_while_publishing_only() -> None:
    visitor = Visitor()
    visitor.connection.send_media(VIDEO, 0, b"early")
    assert len(visitor.connection.data_to_send()) == 1537
    visitor = Visitor().publishing()
    visitor.connection.send_media(VIDEO, 0, b"now")
    assert visitor.hear() == [Heard(VIDEO, 1, [b"now"])]
    visitor.send(status("NetStream.Publish.BadName", "error"))
    visitor.connection.send_media(VIDEO, 0, b"late")
    assert visitor.hear() == []


def test_leave_is_taken() -> None:
    publisher = Visitor().publishing()
    publisher.connection.close()
    assert [heard.values[0] for heard in publisher.hear()] == ["FCUnpublish", "deleteStream"]
    player = Visitor().playing()
    player.connection.close()
    assert [heard.values for heard in player.hear()] == [["deleteStream", 4, None, 1]]
    stranger = Visitor().connected()
    stranger.connection.close()
    assert stranger.hear() == []


def test_pings_are_answered_and_windows_obeyed() -> None:
    visitor = Visitor().playing()
    visitor.send(control(5, 200_000) + user_control(6, 9))
    assert visitor.hear() == [Heard(4, 0, [bytes.fromhex("0007 00000009")])]
    received = visitor.connection.bytes_received
    visitor.send(chunks(Message(0, VIDEO, 1, bytes(60_000)), csid=6))
    assert visitor.hear() == []
    visitor.send(chunks(Message(0, VIDEO, 1, bytes(60_000)), csid=6))
    (ack,) = visitor.hear()
    assert ack.type_id == 3
    assert visitor.connection.bytes_received > received + 120_000


pieces = st.sampled_from(
    [
        command("_result", 1, SERVER, SUCCESS),
        command("_result", 1, None),
        command("_result", 2, None, 1),
        command("_result", 3, None, None),
        command("_error", 3, None, None),
        command("onStatus", 0, None),
        status("NetStream.Play.Start"),
        status("NetStream.Play.Stop"),
        status("Some.Other", stream_id=0),
        chunks(Message(0, VIDEO, 1, b"\x17"), csid=6),
        user_control(6, 1),
        control(1, 4096),
        command("close", 0, None),
    ]
)


def outcome(*reads: bytes) -> tuple[list[Event], str, bytes]:
    guest = client()
    guest.play("key")
    events: list[Event] = []
    sent = guest.data_to_send()
    for data in (S0_S1_S2, *reads):
        for event in guest.receive_data(data):
            last = events[-1] if events else None
            if isinstance(event, MediaReceived) and isinstance(last, MediaReceived):
                last.messages.extend(event.messages)
            else:
                events.append(event)
        sent += guest.data_to_send()
    return events, str(guest.error), sent


@settings(max_examples=100, deadline=None)
@given(st.lists(pieces | st.binary(max_size=30), max_size=10).map(b"".join), st.integers(0, 500))
def test_any_bytes_give_events_or_an_error_and_the_same_cut_anywhere(data: bytes, cut: int) -> None:
    whole = outcome(data)
    assert outcome(data[:cut], data[cut:]) == whole
    assert outcome(*(data[i : i + 1] for i in range(len(data)))) == whole
