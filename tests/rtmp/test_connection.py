"""What both ends share: media gathered, pings answered, bytes acknowledged, limits held."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.amf import build_amf0
from slipstream.errors import ProtocolError
from slipstream.rtmp import (
    Event,
    HandshakeDone,
    MediaReceived,
    Message,
    MessageType,
    PongReceived,
    ServerConnection,
)
from tests.rtmp.wire import (
    AUDIO,
    C0_C1,
    C2,
    DATA,
    HANDSHAKE,
    VIDEO,
    Heard,
    Served,
    chunks,
    command,
    connect,
    control,
    data_message,
    random_bytes,
    user_control,
)

V12_AGGREGATE = bytes.fromhex(
    "08 000004 001388 00 000000 af016161 0000000f"
    "09 000007 001392 00 000000 27010000006262 00000012"
    "08 000004 00139f 00 000000 af016363 0000000f"
)

V17_SWF_VERIFICATION = chunks(
    Message(0, MessageType.USER_CONTROL, 0, bytes.fromhex(
        "001b 01 01 0001e240 0001e240"
        "719488f61a985255a0cbea05b204fc24acb7debdf0edcaac1e242129588c400d"
    )), csid=2,
)  # fmt: skip


def audio(timestamp: int = 0, stream_id: int = 1) -> bytes:
    return chunks(Message(timestamp, AUDIO, stream_id, b"\xaf\x01a"), csid=4)


def video(timestamp: int = 0, stream_id: int = 1) -> bytes:
    return chunks(Message(timestamp, VIDEO, stream_id, b"\x27\x01v"), csid=6)


def received(events: list[Event]) -> list[list[tuple[int, int]]]:
    """Type and time of each message, in each event."""
    return [
        [(message.type_id, message.timestamp) for message in event.messages]
        for event in events
        if isinstance(event, MediaReceived)
    ]


def test_the_handshake_is_answered_as_soon_as_it_can_be() -> None:
    connection = ServerConnection(random_bytes=random_bytes)
    assert connection.receive_data(C0_C1[:-1]) == []
    assert connection.data_to_send() == b""
    assert connection.receive_data(C0_C1[-1:]) == []
    assert len(connection.data_to_send()) == 3073
    assert connection.receive_data(C2) == [HandshakeDone()]
    assert connection.data_to_send() == b""
    assert connection.bytes_received == 3073


def test_what_is_no_handshake_is_an_error() -> None:
    connection = ServerConnection(random_bytes=random_bytes)
    assert connection.receive_data(b"GET / HTTP/1.1\r\n\r\n".ljust(2000)) == []
    assert isinstance(connection.error, ProtocolError)
    assert connection.receive_data(HANDSHAKE) == []


def test_media_of_one_read_is_one_event() -> None:
    served = Served().publishing()
    events = served.send(audio(0) + video(10) + audio(20) + data_message("onTextData", {}))
    assert received(events) == [[(AUDIO, 0), (VIDEO, 10), (AUDIO, 20), (DATA, 0)]]


def test_what_makes_no_event_does_not_part_media() -> None:
    served = Served().publishing()
    between = control(MessageType.ACKNOWLEDGEMENT, 5) + user_control(6, 77)
    assert received(served.send(audio(0) + between + audio(1))) == [[(AUDIO, 0), (AUDIO, 1)]]


def test_events_stay_in_order() -> None:
    served = Served().publishing()
    events = served.send(audio(0) + user_control(7, 5) + audio(1))
    assert [type(event) for event in events] == [MediaReceived, PongReceived, MediaReceived]


def test_media_that_nobody_may_publish_is_dropped_and_counted() -> None:
    served = Served().connected()
    assert (
        served.send(audio() + video(stream_id=7) + data_message("onMetaData", {}, stream_id=9))
        == []
    )
    assert served.connection.messages_dropped == 3
    assert served.connection.error is None


def test_raw_data_that_is_no_amf_is_dropped_and_counted() -> None:
    """FFmpeg sends its time code track so."""
    served = Served().publishing()
    raw = [bytes(4), b"", b"\2", b"\2\0\5abc", b"\5", b"\x11\4\5"]
    events = served.send(b"".join(chunks(Message(0, DATA, 1, body), csid=4) for body in raw))
    assert events == []
    assert served.connection.messages_dropped == len(raw)


@pytest.mark.parametrize("selector", [b"", b"\0", b"\3"], ids=["forgotten", "AMF0", "AMF3"])
def test_data_of_type_15_comes_out_as_type_18(selector: bytes) -> None:
    served = Served().publishing()
    payload = build_amf0("onMetaData", {"width": 1.0})
    (event,) = served.send(chunks(Message(9, 15, 1, selector + payload), csid=4))
    assert event == MediaReceived(1, [Message(9, DATA, 1, payload)])


def test_aggregates_are_split() -> None:
    served = Served().publishing()
    events = served.send(audio(89_990) + chunks(Message(90_000, 22, 1, V12_AGGREGATE), csid=4))
    assert received(events) == [[(8, 89_990), (8, 90_000), (9, 90_010), (8, 90_023)]]


@pytest.mark.parametrize(
    "body",
    [
        V12_AGGREGATE[:13],
        b"\x16" + V12_AGGREGATE[1:],
        bytes.fromhex("14 000005 001388 00 000000") + b"\2\0\0\0\0" + bytes(4),
        b"\x08\xff\xff\xff" + bytes(20),
        (b"\x08" + bytes(14)) * 60_000,
    ],
    ids=["cut", "nested", "a command inside", "longer than all", "60 000 parts"],
)
def test_bad_aggregates_are_dropped_and_counted(body: bytes) -> None:
    served = Served().publishing()
    assert served.send(chunks(Message(0, 22, 1, body), csid=4)) == []
    assert served.connection.messages_dropped == 1
    assert received(served.send(audio(1))) == [[(AUDIO, 1)]]


@pytest.mark.parametrize("type_id", [7, 16, 19, 99, 255])
def test_types_that_nobody_uses_are_counted_and_ignored(type_id: int) -> None:
    served = Served().connected()
    assert served.send(chunks(Message(0, type_id, 0, b"whatever"))) == []
    assert served.connection.messages_dropped == 1
    assert (served.connection.error, served.hear()) == (None, [])


def test_pings_of_clients_are_answered_with_their_own_time() -> None:
    served = Served().connected()
    assert served.send(user_control(6, 0x12345)) == []
    assert served.hear() == [Heard(4, 0, [bytes.fromhex("0007 00012345")])]


def test_our_pings_are_heard_and_their_answers_told() -> None:
    served = Served().connected()
    served.connection.ping(0x12345)
    assert served.hear() == [Heard(4, 0, [bytes.fromhex("0006 00012345")])]
    assert served.send(user_control(7, 0x12345)) == [PongReceived(0x12345)]


@pytest.mark.parametrize(
    "data",
    [
        user_control(26),
        V17_SWF_VERIFICATION,
        user_control(31, 1),
        user_control(32, 1),
        user_control(99),
        user_control(0, 1),
        control(MessageType.ACKNOWLEDGEMENT, 2**32 - 1),
        control(MessageType.ACKNOWLEDGEMENT, 0),
        chunks(Message(0, MessageType.ACKNOWLEDGEMENT, 0, b"")),
        chunks(Message(0, MessageType.SET_PEER_BANDWIDTH, 0, b"\0\0\0\1\2")),
        control(MessageType.ABORT, 6),
    ],
)
def test_news_need_no_answer(data: bytes) -> None:
    served = Served().connected()
    assert served.send(data) == []
    assert (served.connection.error, served.hear()) == (None, [])


@pytest.mark.parametrize(
    "data",
    [
        chunks(Message(0, MessageType.USER_CONTROL, 0, b"\0\3\0\0")),
        chunks(Message(0, MessageType.WINDOW_ACK_SIZE, 0, b"\0")),
        control(MessageType.SET_CHUNK_SIZE, 0),
        control(MessageType.SET_CHUNK_SIZE, 2**31),
        chunks(Message(0, MessageType.SET_CHUNK_SIZE, 0, b"\1")),
    ],
)
def test_control_messages_that_cannot_be_read_end_the_connection(data: bytes) -> None:
    served = Served().publishing()
    events = served.send(audio() + data + audio())
    assert received(events) == [[(AUDIO, 0)]]  # what was good before it
    assert isinstance(served.connection.error, ProtocolError)
    assert served.send(audio()) == []


def test_good_events_before_bad_chunks_come_out() -> None:
    served = Served().publishing()
    assert received(served.send(audio() + b"\xff\0\0\0")) == [[(AUDIO, 0)]]
    assert served.connection.error is not None


def acknowledged(heard: list[Heard]) -> list[int]:
    """The numbers in the acknowledgements."""
    numbers = []
    for message in heard:
        (payload, *_) = message.values
        if message.type_id == MessageType.ACKNOWLEDGEMENT and isinstance(payload, bytes):
            numbers.append(int.from_bytes(payload))
    return numbers


@pytest.mark.parametrize(
    ("window", "interval"), [(None, 1_250_000), (2_000_000, 1_000_000), (0, 65_536), (1, 65_536)]
)
def test_what_comes_is_acknowledged(window: int | None, interval: int) -> None:
    served = Served().publishing()
    if window is not None:
        served.send(control(MessageType.WINDOW_ACK_SIZE, window))
    body = chunks(Message(0, VIDEO, 1, bytes(40_000)), csid=6)
    numbers, at = [], []
    for _ in range(70):
        served.send(body)
        if new := acknowledged(served.hear()):
            numbers += new
            at.append(served.connection.bytes_received)
    assert numbers == at
    steps = [after - before for before, after in pairwise(numbers)]
    assert all(interval <= step < interval + len(body) for step in steps)
    assert len(numbers) >= 2


def test_answers_that_nobody_reads_end_the_connection() -> None:
    served = Served().connected()
    pings = user_control(6, 1) * 3000  # each is answered with as much
    assert len(pings) == 54_000
    served.send(pings)
    assert served.connection.error is None
    served.send(pings)
    assert "unread" in str(served.connection.error)
    assert len(served.connection.data_to_send()) <= 64 * 1024 + 18


def test_answers_that_are_read_cost_nothing() -> None:
    served = Served().connected()
    for _ in range(4):
        served.send(user_control(6, 1) * 3000)
        assert len(served.connection.data_to_send()) == 54_000
    assert served.connection.error is None


def test_authorised_peers_may_leave_more_unread() -> None:
    served = Served().publishing()
    for _ in range(4):
        served.send(user_control(6, 1) * 3000)
    assert served.connection.error is None
    served.send(user_control(6, 1) * 3000)
    assert served.connection.error is not None
    assert len(served.connection.data_to_send()) <= 256 * 1024 + 18


def test_a_shared_read_buffer_may_be_used_again_at_once() -> None:
    served = Served().publishing()
    buffer = bytearray(audio(5) + video(6))
    (event,) = served.connection.receive_data(memoryview(buffer))
    buffer[:] = bytes(len(buffer))
    assert event == MediaReceived(
        1, [Message(5, AUDIO, 1, b"\xaf\x01a"), Message(6, VIDEO, 1, b"\x27\x01v")]
    )


pieces = st.sampled_from(
    [
        connect(),
        command("createStream", 2, None),
        command("publish", 3, None, "key", stream_id=1),
        command("play", 3, None, "key", stream_id=1),
        command("deleteStream", 3, None, 1),
        command("call", 3, None),
        audio(),
        video(stream_id=0),
        data_message("@setDataFrame", "onMetaData", {}),
        user_control(6, 1),
        user_control(3, 1, 9),
        control(MessageType.WINDOW_ACK_SIZE, 1),
        control(MessageType.SET_CHUNK_SIZE, 200),
        chunks(Message(0, 22, 1, V12_AGGREGATE)),
    ]
)
anything = st.lists(pieces | st.binary(max_size=40), max_size=12).map(b"".join)


def outcome(*reads: bytes) -> tuple[list[Event], str, bytes]:
    """All that happens, when nobody answers the questions."""
    connection = ServerConnection(random_bytes=random_bytes)
    events: list[Event] = []
    sent = b""
    for data in (HANDSHAKE, *reads):
        for event in connection.receive_data(data, now=1.0):
            last = events[-1] if events else None
            if isinstance(event, MediaReceived) and isinstance(last, MediaReceived):
                last.messages.extend(event.messages)
            else:
                events.append(event)
        sent += connection.data_to_send()
    return _unasked(events), str(connection.error), sent


def _unasked(events: list[Event]) -> list[Event]:
    """Leave out what was asked and taken back: in one read it is not even told."""
    left: list[Event] = []
    for event in events:
        stream_id = getattr(event, "stream_id", None)
        asked = [
            other
            for other in left
            if type(other).__name__.endswith("Requested")
            and getattr(other, "stream_id", None) == stream_id
        ]
        if type(event).__name__ in ("PublishEnded", "PlayEnded") and asked:
            left.remove(asked[-1])
        else:
            left.append(event)
    return left


@settings(max_examples=100, deadline=None)
@given(data=anything, cuts=st.lists(st.integers(0, 600), max_size=3))
def test_any_bytes_give_events_or_an_error_and_the_same_cut_anywhere(
    data: bytes, cuts: list[int]
) -> None:
    whole = outcome(data)
    bounds = [0, *sorted(cuts), len(data)]
    parts = [data[a:b] for a, b in pairwise(bounds)]
    assert outcome(*parts) == whole
    assert len(whole[2]) < 3073 + 4 * len(data) + 12_000  # answers stay in proportion


@settings(max_examples=30, deadline=None)
@given(data=anything)
def test_any_bytes_byte_by_byte(data: bytes) -> None:
    assert outcome(*(data[i : i + 1] for i in range(len(data)))) == outcome(data)
