"""What a server's application says, and what its clients hear of it."""

from __future__ import annotations

import tracemalloc
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.amf import build_amf0
from slipstream.rtmp import MediaReceived, Message, ServerConnection
from tests.rtmp.wire import (
    AUDIO,
    DATA,
    HANDSHAKE,
    VIDEO,
    Ear,
    Heard,
    Served,
    chunks,
    command,
    connect,
    control,
)

BEGIN, EOF = bytes.fromhex("0000 00000001"), bytes.fromhex("0001 00000001")
MAX_PLAYER_BYTES = 3 * 1024


def codes(heard: list[Heard]) -> list[object]:
    """Status codes, and the payloads of what is no status."""
    return [message.code or message.values[0] for message in heard]


def test_accept_connect_in_the_order_that_satisfies_everyone() -> None:
    served = Served()
    served.send(HANDSHAKE + connect(1))
    assert served.connection.accept_connect()
    data = served.connection.data_to_send()[3073:]
    assert data.startswith(
        bytes.fromhex(
            "02 000000 000004 05 00000000 002625a0"
            "02 000000 000005 06 00000000 002625a0 02"
            "02 000000 000004 01 00000000 0000ea60"
            "03 000000 0000cd 14 00000000"  # the result, of 205 octets, in one chunk
        )
    )
    assert not served.connection.accept_connect()


def test_enhanced_clients_are_told_what_we_can_do() -> None:
    served = Served()
    served.send(HANDSHAKE + connect(capsEx=1, fourCcList=["hvc1"]))
    served.connection.accept_connect()
    result = next(heard for heard in served.hear() if heard.values[0] == "_result")
    for properties in result.values[2:]:
        assert isinstance(properties, dict)
        assert properties["videoFourCcInfoMap"] == {"*": 4}


def test_reject_connect() -> None:
    served = Served()
    served.send(HANDSHAKE + connect())
    assert served.connection.reject_connect("moved", redirect="rtmp://b/live")
    (heard,) = served.hear()
    name, transaction, target, information = heard.values
    assert (name, transaction, target) == ("_error", 1, None)
    assert information == {
        "level": "error",
        "code": "NetConnection.Connect.Rejected",
        "description": "moved",
        "ex": {"code": 302, "redirect": "rtmp://b/live"},
    }
    assert not served.connection.reject_connect("again")


def test_a_long_rejection_is_sent_in_small_chunks() -> None:
    """The client has not been told of larger ones."""
    served = Served()
    served.send(HANDSHAKE + connect())
    served.connection.reject_connect("x" * 300)
    data = served.connection.data_to_send()
    assert Ear().hear(data)[0].code == "NetConnection.Connect.Rejected"
    assert data.count(b"\xc3") >= 3


def test_accept_publish_and_what_is_refused() -> None:
    served = Served().connected()
    assert not served.connection.accept_publish(1)
    served.send(command("publish", 5, None, "key", stream_id=1))
    assert not served.connection.accept_play(1)
    assert served.connection.accept_publish(1)
    assert codes(served.hear()) == [BEGIN, "NetStream.Publish.Start"]
    assert not served.connection.reject_publish(1)
    assert served.hear() == []


@pytest.mark.parametrize(
    ("code", "heard"),
    [("NetStream.Publish.Denied", "NetStream.Publish.Denied"), ("", "NetStream.Publish.BadName")],
)
def test_reject_publish(code: str, heard: str) -> None:
    served = Served().connected()
    served.send(command("publish", 5, None, "key", stream_id=1))
    more = (code,) if code else ()
    assert served.connection.reject_publish(1, *more)
    (message,) = served.hear()
    assert (message.stream_id, message.code) == (1, heard)
    assert served.send(chunks(Message(0, AUDIO, 1, b"\xaf\1"), csid=4)) == []


def test_an_answer_that_comes_too_late_says_so_and_nothing_else() -> None:
    served = Served().connected()
    served.send(command("play", 5, None, "key", stream_id=1))
    served.send(command("deleteStream", 6, None, 1))
    for answer in (served.connection.accept_play, served.connection.reject_play):
        assert not answer(1)
    assert served.hear() == []


def test_end_publish_stops_its_media() -> None:
    served = Served().publishing()
    assert served.connection.end_publish(1, "NetStream.Publish.BadName", "taken over")
    assert codes(served.hear()) == ["NetStream.Publish.BadName"]
    assert served.send(chunks(Message(0, AUDIO, 1, b"\xaf\1"), csid=4)) == []
    assert not served.connection.end_publish(1, "NetStream.Publish.BadName", "again")


def test_publishers_get_the_wider_limits_and_others_do_not() -> None:
    large = chunks(Message(0, VIDEO, 1, bytes(1 << 20)), csid=6, size=1 << 20)
    resize = control(1, 1 << 20)
    served = Served().publishing()
    (event,) = served.send(resize + large)
    assert isinstance(event, MediaReceived)
    player = Served().playing()
    player.send(resize + large)
    assert "limit 65536" in str(player.connection.error)


def test_accept_play() -> None:
    served = Served().connected()
    served.send(command("play", 5, None, "key", -2, -1, False, stream_id=1))
    assert served.connection.accept_play(1)
    assert codes(served.hear()) == [BEGIN, "NetStream.Play.Start", "|RtmpSampleAccess"]


def test_reject_play() -> None:
    served = Served().connected()
    served.send(command("play", 5, None, "key", stream_id=1))
    assert served.connection.reject_play(1, description="nobody publishes it")
    assert codes(served.hear()) == ["NetStream.Play.StreamNotFound"]


def test_end_play() -> None:
    served = Served().playing()
    assert served.connection.end_play(1)
    assert codes(served.hear()) == [
        EOF,
        "NetStream.Play.Stop",
        "NetStream.Play.UnpublishNotify",
    ]
    assert not served.connection.end_play(1)


def test_confirm_pause() -> None:
    served = Served().playing()
    served.connection.confirm_pause(1, True)
    served.connection.confirm_pause(1, False)
    assert codes(served.hear()) == [
        "NetStream.Pause.Notify",
        EOF,
        "NetStream.Unpause.Notify",
        BEGIN,
    ]


def test_send_media_is_one_whole_message_and_no_answer() -> None:
    served = Served().playing()
    body = bytes(400_000)  # more than the answers that may wait
    served.connection.send_media(1, VIDEO, 0x1000005, body)
    served.connection.send_media(1, AUDIO, 6, b"\xaf\1")
    served.connection.send_media(1, DATA, 7, build_amf0("onCuePoint"))
    assert served.connection.error is None
    assert served.hear() == [
        Heard(VIDEO, 1, [body]),
        Heard(AUDIO, 1, [b"\xaf\1"]),
        Heard(DATA, 1, ["onCuePoint"]),
    ]


def test_reconnect_requests_go_to_those_who_know_them() -> None:
    assert not Served().connected().connection.send_reconnect_request("rtmp://b/live")
    served = Served().connected(capsEx=1)
    assert served.connection.send_reconnect_request("rtmp://b/live", "drain")
    (heard,) = served.hear()
    assert (heard.stream_id, heard.code) == (0, "NetConnection.Connect.ReconnectRequest")


def test_nothing_is_said_after_an_error() -> None:
    served = Served().playing()
    served.send(control(1, 0))
    assert served.connection.error is not None
    served.connection.send_status(1, "status", "code", "why")
    served.connection.send_media(1, VIDEO, 0, b"x")
    served.connection.end_play(1)
    assert served.connection.data_to_send() == b""


def test_a_player_holds_little_memory() -> None:
    def player() -> ServerConnection:
        return Served().playing("key", -2000, flashVer="LNX 9,0,124,2").connection

    player()  # what is made once for all
    count = 50
    tracemalloc.start()
    try:
        players = [player() for _ in range(count)]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(players) == count
    assert held / count < MAX_PLAYER_BYTES, f"{held / count:.0f} bytes a player"


CALL = build_amf0("connect", 1)


@pytest.mark.parametrize(
    "values",
    [
        b"\x03\0\1a" * 15_000,
        b"\x0a\0\0\0\1" * 12_000,
        b"\x0a\xff\xff\xff\xff" + b"\5" * 60_000,
        b"\x08\xff\xff\xff\xff",
        b"\x0c\xff\xff\xff\xff",
        b"\3" + b"".join(b"\0\4%04x\5" % number for number in range(8_000)) + b"\0\0\x09",
        b"\3\0\1a\7\0\0\0\0\x09",
        b"\x0a\0\0\4\0" + b"\7\0\0" * 1024,
        b"\x11\x09\xff\xff\xff\xff\1",
        b"\x11" + b"\x09\3\1" * 20_000,
    ],
    ids=["objects in objects", "arrays in arrays", "2**32 - 1 values", "2**32 - 1 members",
         "2**32 - 1 bytes of text", "8 000 keys", "an object in itself", "references", "AMF3 array",
         "AMF3 arrays in arrays"],
)  # fmt: skip
def test_hostile_values_are_answered_or_end_the_connection_cheaply(values: bytes) -> None:
    served = Served()
    served.send(HANDSHAKE)
    hostile = chunks(Message(0, 20, 0, CALL + values))
    tracemalloc.start()
    try:
        started = process_time()
        events = served.send(hostile)
        took_s = process_time() - started
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert events or served.connection.error is not None
    assert took_s < 1, "seconds; a tenth of one when nobody traces and the machine is idle"
    assert peak < 8 << 20


leaves = st.none() | st.booleans() | st.floats() | st.sampled_from(["key", "live", "", "\0", "7"])
values = leaves | st.lists(leaves, max_size=3) | st.dictionaries(st.text(max_size=4), leaves)
names = st.sampled_from(
    ["connect", "createStream", "deleteStream", "closeStream", "FCPublish", "FCUnpublish",
     "releaseStream", "publish", "play", "play2", "pause", "pauseRaw", "seek", "receiveAudio",
     "receiveVideo", "getStreamLength", "FCSubscribe", "_checkbw", "_result", "@setDataFrame"]
)  # fmt: skip
commands = st.builds(
    lambda name, transaction, target, arguments, stream_id: command(
        name, transaction, target, *arguments, stream_id=stream_id
    ),
    names,
    st.floats(),
    st.none() | values,
    st.lists(values, max_size=4),
    st.integers(0, 3),
)


decisions = st.sampled_from(
    ["accept_publish", "reject_publish", "end_publish", "accept_play", "reject_play", "end_play"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(commands, decisions), max_size=8))
def test_any_commands_in_any_order_give_events_or_an_error(steps: list[tuple[bytes, str]]) -> None:
    served = Served().connected(2)
    output = 0
    for data, decision in steps:
        served.send(data)
        more = ("code", "why") if decision == "end_publish" else ()
        getattr(served.connection, decision)(1, *more)
        output += len(served.connection.data_to_send())
    assert output <= 2000 * len(steps)
