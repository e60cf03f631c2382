"""The client against servers that are not ours, as they have been seen to answer.

FFmpeg's listener, nginx-rtmp and SRS were recorded; what else is here are dialects.
"""

from __future__ import annotations

import pytest

from slipstream.amf import UNDEFINED, EcmaArray, Value, build_amf0
from slipstream.rtmp import (
    Connected,
    Ended,
    HandshakeDone,
    MediaReceived,
    Message,
    PlayStarted,
    PublishStarted,
    ReconnectRequested,
    StatusReceived,
    StreamCreated,
)
from slipstream.rtmp.capabilities import NOTHING_ENHANCED
from tests.rtmp.wire import (
    AUDIO,
    DATA,
    S0_S1_S2,
    SERVER,
    SUCCESS,
    Visitor,
    chunks,
    command,
    control,
    status,
    user_control,
)


def test_ffmpeg_listens() -> None:
    visitor = Visitor()
    visitor.connection.publish("key")
    ffmpeg = dict(SUCCESS, objectEncoding=0.0)
    assert visitor.send(
        S0_S1_S2 + control(5, 2_500_000)
        + chunks(Message(0, 6, 0, bytes.fromhex("002625a002")), csid=2)
        + user_control(0, 0) + control(1, 128)
        + command("_result", 1, SERVER, ffmpeg) + command("onBWDone", 0, None, 8192)
    ) == [HandshakeDone(), Connected(SERVER, ffmpeg, NOTHING_ENHANCED)]  # fmt: skip
    assert visitor.send(
        command("_result", 2, None) + command("onFCPublish") + command("_result", 4, None, 1)
    ) == [StreamCreated(1)]
    details = status("NetStream.Publish.Start", details="key")
    assert visitor.send(user_control(0, 1) + details) == [PublishStarted(1)]
    assert visitor.connection.error is None


def test_nginx_serves_a_player_and_ends_it() -> None:
    visitor = Visitor().connected()
    visitor.connection.play("vec")
    visitor.send(control(1, 4096) + command("_result", 2, None, 1))
    access = build_amf0("|RtmpSampleAccess", True, True)
    events = visitor.send(
        user_control(0, 1)
        + status("NetStream.Play.Start")
        + chunks(Message(0, DATA, 1, access), csid=5)
        + status("NetStream.Play.PublishNotify")
    )
    assert events == [
        PlayStarted(1),
        StatusReceived(1, "status", "NetStream.Play.PublishNotify", "why"),
    ]
    metadata = Message(0, DATA, 1, build_amf0("onMetaData", EcmaArray(width=1.0)))
    sound = Message(0, AUDIO, 1, b"\xaf\1")
    assert visitor.send(chunks(metadata, csid=5) + chunks(sound, csid=6)) == [
        MediaReceived(1, [metadata, sound])
    ]
    assert visitor.send(
        user_control(1, 1)
        + status("NetStream.Play.Stop")
        + status("NetStream.Play.UnpublishNotify")
    ) == [Ended("NetStream.Play.Stop", "why")]
    assert visitor.send(chunks(sound, csid=6)) == []


def test_srs_publishes_and_takes_leave() -> None:
    visitor = Visitor()
    visitor.connection.publish("vec")
    srs: dict[str, Value] = {"fmsVer": "FMS/3,5,3,888", "capabilities": 127.0, "mode": 1.0}
    more: dict[str, Value] = {**SUCCESS, "data": EcmaArray(version="3,5,3,888", srs_sig="SRS")}
    visitor.send(S0_S1_S2 + command("_result", 1, srs, more) + command("onBWDone", 0, None))
    visitor.send(
        command("_result", 2, None, UNDEFINED)
        + command("_result", 3, None, UNDEFINED)
        + command("_result", 4, None, 1)
    )
    notice: dict[str, Value] = {"code": "NetStream.Publish.Start", "description": "Started."}
    assert visitor.send(
        command("onFCPublish", 0, None, notice, stream_id=1, csid=5)
        + status("NetStream.Publish.Start", clientid="ASAICiss")
    ) == [PublishStarted(1)]
    visitor.connection.close()
    assert (
        visitor.send(
            command("onFCUnpublish", 0, None, notice, stream_id=1)
            + command("_result", 8, None, UNDEFINED, stream_id=1)
            + status("NetStream.Unpublish.Success")
            + command("_result", 9, None, None)
        )
        == []
    )
    assert visitor.connection.error is None


def test_a_result_stands_for_the_status() -> None:
    """Librtmp takes it so, for servers that go by the specification's diagrams."""
    visitor = Visitor().connected()
    visitor.connection.play("key")
    visitor.send(command("_result", 2, None, 1))
    assert visitor.send(command("_result", 3, None, None)) == [PlayStarted(1)]


def test_being_rejected_with_a_redirect() -> None:
    visitor = Visitor()
    information: dict[str, Value] = {
        "level": "error",
        "code": "NetConnection.Connect.Rejected",
        "description": "moved",
        "ex": {"code": 302.0, "redirect": "rtmp://b/live"},
    }
    assert visitor.send(S0_S1_S2 + command("_error", 1, None, information)) == [
        HandshakeDone(),
        Ended("NetConnection.Connect.Rejected", "moved", "rtmp://b/live"),
    ]
    assert visitor.send(command("_result", 1, SERVER, SUCCESS)) == []


def test_being_redirected_by_srs_with_a_status() -> None:
    visitor = Visitor().connected()
    redirect: Value = {"code": 302.0, "redirect": "rtmp://b/live", "redirect2": "rtmp://b/live/k"}
    events = visitor.send(status("NetConnection.Connect.Rejected", stream_id=0, ex=redirect))
    assert events == [Ended("NetConnection.Connect.Rejected", "why", "rtmp://b/live")]


@pytest.mark.parametrize(
    "refusal",
    [
        status("NetStream.Publish.BadName", "error"),
        status("NetStream.Failed", "error", stream_id=0),
        command("_error", 5, None, {"code": "NetStream.Publish.BadName", "description": "why"}),
        command("close", 0, None),
    ],
)
def test_being_refused(refusal: bytes) -> None:
    visitor = Visitor()
    visitor.connection.publish("key")
    visitor.connected().send(command("_result", 4, None, 1))
    (ended,) = visitor.send(refusal)
    assert isinstance(ended, Ended)
    assert ended.code


def test_errors_to_what_nobody_waits_for_are_passed_over() -> None:
    visitor = Visitor()
    visitor.connection.publish("key")
    visitor.connected()
    errors = command("_error", 2, None, None) + command("_error", 3, None, {"level": "error"})
    assert visitor.send(errors) == []
    assert visitor.send(command("_result", 4, None, 1)) == [StreamCreated(1)]


def test_the_end_of_a_recording() -> None:
    visitor = Visitor().playing()
    complete = build_amf0("onPlayStatus", {"code": "NetStream.Play.Complete", "level": "status"})
    switch = build_amf0("onPlayStatus", {"code": "NetStream.Play.Switch"})
    bad = build_amf0("onPlayStatus") + b"\x0e"
    for body in (switch, bad):
        assert visitor.send(chunks(Message(0, DATA, 1, body), csid=5)) == []
    (ended,) = visitor.send(chunks(Message(0, DATA, 1, complete), csid=5))
    assert isinstance(ended, Ended)


def test_reconnect_requests_are_told_and_the_stream_goes_on() -> None:
    visitor = Visitor().playing()
    request = status("NetConnection.Connect.ReconnectRequest", stream_id=0, tcUrl="//b/live")
    assert visitor.send(request) == [ReconnectRequested("//b/live", "why")]
    sound = Message(0, AUDIO, 7, b"\xaf\1")  # any id: FFmpeg does not look at it
    assert visitor.send(chunks(sound, csid=4)) == [MediaReceived(1, [sound])]


@pytest.mark.parametrize("stream_id", [0, -1, 2**32, None, "x"])
def test_impossible_stream_ids(stream_id: Value) -> None:
    visitor = Visitor().connected()
    visitor.connection.play("key")
    visitor.send(command("_result", 2, None, stream_id))
    assert visitor.connection.error is not None


def test_media_before_it_has_begun_is_dropped() -> None:
    visitor = Visitor().connected()
    sound = chunks(Message(0, AUDIO, 1, b"\xaf\1"), csid=4)
    metadata = chunks(Message(0, DATA, 1, build_amf0("onMetaData", {})), csid=4)
    assert visitor.send(sound + metadata) == []
    assert visitor.connection.messages_dropped == 2
