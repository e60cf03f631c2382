"""Whole conversations as they were recorded with real clients: what each sends, and waits for.

Every turn is what the client sends before it waits for us. A turn may come cut anywhere, and
the same must happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream.amf import EcmaArray, Value, build_amf0
from slipstream.rtmp import (
    BufferLengthSet,
    ConnectRequested,
    Event,
    HandshakeDone,
    MediaReceived,
    Message,
    PlayEnded,
    PlayRequested,
    PublishEnded,
    PublishRequested,
    ServerConnection,
)
from tests.rtmp.wire import (
    AUDIO,
    C0_C1,
    C2,
    DATA,
    VIDEO,
    Ear,
    Heard,
    chunks,
    command,
    control,
    random_bytes,
    user_control,
)

TC_URL = "rtmp://127.0.0.1:41995/live"
AVC_CONFIG = bytes.fromhex("170000000001f4000affe100")
AVC_KEYFRAME = bytes.fromhex("1701000000000002520605ff") + bytes(5362)
AVC_END = bytes.fromhex("1702000000")
AAC_CONFIG = bytes.fromhex("af00121056e500")
HEVC_CONFIG = bytes.fromhex("906876633101016000000090") + bytes(2417)
OPUS_CONFIG = bytes.fromhex("904f7075734f70757348656164") + bytes(11)
METADATA = build_amf0("@setDataFrame", "onMetaData", EcmaArray(duration=0.0, width=160.0))


def media(csid: int, timestamp: int, type_id: int, payload: bytes, size: int) -> bytes:
    return chunks(Message(timestamp, type_id, 1, payload), csid, size)


def publish(csid: int, transaction: float) -> bytes:
    return command("publish", transaction, None, "key", "live", stream_id=1, csid=csid)


def ffmpeg_publisher(encoder: str, *payloads: tuple[int, int, bytes]) -> list[bytes]:
    """FFmpeg takes over our chunk size, and says so."""
    connect: dict[str, Value] = {
        "app": "live",
        "type": "nonprivate",
        "flashVer": f"FMLE/3.0 (compatible; {encoder})",
        "tcUrl": TC_URL,
    }
    sent = [media(csid, 23, type_id, body, 60_000) for csid, type_id, body in payloads]
    return [
        C0_C1,
        C2 + command("connect", 1, connect),
        control(1, 60_000)
        + command("releaseStream", 2, None, "key")
        + command("FCPublish", 3, None, "key")
        + command("createStream", 4, None),
        command("_checkbw", 5, None) + publish(8, 6),
        b"".join(sent),
        command("FCUnpublish", 7, None, "key") + command("deleteStream", 8, None, 1),
    ]


L1_FFMPEG_PUBLISHES = ffmpeg_publisher(
    "Lavf59.27.100",
    (4, DATA, METADATA),
    (6, VIDEO, AVC_CONFIG),
    (4, AUDIO, AAC_CONFIG),
    (6, VIDEO, AVC_KEYFRAME),
    (6, VIDEO, AVC_END),
)
L9_FFMPEG_8_PUBLISHES = ffmpeg_publisher(
    "Lavf62.12.102", (4, DATA, METADATA), (6, VIDEO, HEVC_CONFIG), (4, AUDIO, OPUS_CONFIG)
)
L10_LIBRTMP_PUBLISHES = [
    C0_C1 + C2,  # before it has read anything of ours
    command("connect", 1, {"app": "live", "type": "nonprivate", "tcUrl": TC_URL}),
    # It compresses headers, and its first chunk on csid 2 is of type 1.
    bytes.fromhex("42 000000 000004 03 00000c23")
    + command("releaseStream", 2, None, "key")
    + command("FCPublish", 3, None, "key")
    + command("createStream", 4, None),
    command("_checkbw", 5, None) + publish(4, 6),
    media(4, 0, VIDEO, bytes.fromhex("17000000000142c00aff"), 128)
    + media(4, 0, AUDIO, bytes.fromhex("af001210"), 128)
    + media(4, 40, VIDEO, bytes.fromhex("2701000000000000c8") + bytes(200), 128),
    command("FCUnpublish", 6, None, "key") + command("deleteStream", 7, None, 1),
]
OBS_PUBLISHES = [
    C0_C1 + C2,
    control(1, 4096)
    + chunks(
        Message(0, 20, 0, build_amf0("connect", 1, {
            "app": "live", "type": "nonprivate", "flashVer": "FMLE/3.0 (compatible; FMSc/1.0)",
            "swfUrl": TC_URL, "tcUrl": TC_URL,
        })), 3, 4096,
    ),
    command("releaseStream", 2, None, "key")
    + command("FCPublish", 3, None, "key")
    + command("createStream", 4, None),
    publish(4, 5),
    media(4, 0, DATA, METADATA, 4096)
    + media(4, 0, AUDIO, AAC_CONFIG, 4096)
    + media(4, 0, VIDEO, AVC_KEYFRAME, 4096),
    command("FCUnpublish", 6, None, "key") + command("deleteStream", 7, None, 1),
]  # fmt: skip
GSTREAMER_PUBLISHES = [
    C0_C1,
    C2 + command("connect", 1, {"app": "live", "type": "nonprivate", "tcUrl": TC_URL}),
    command("releaseStream", 0, None, "key")
    + command("FCPublish", 0, None, "key")
    + command("createStream", 2, None),
    publish(3, 0),
    control(1, 128) + media(4, 0, DATA, METADATA, 128) + media(6, 0, VIDEO, AVC_KEYFRAME, 128),
    command("FCUnpublish", 0, None, "key") + command("deleteStream", 0, None, "key"),
]
L2_FFMPEG_PLAYS = [
    C0_C1,
    C2 + command("connect", 1, {
        "app": "live", "flashVer": "LNX 9,0,124,2", "tcUrl": TC_URL, "fpad": False,
        "capabilities": 15, "audioCodecs": 4071, "videoCodecs": 252, "videoFunction": 1,
    }),
    control(5, 2_500_000) + command("createStream", 2, None),
    command("_checkbw", 3, None)
    + command("getStreamLength", 4, None, "key", csid=8)
    + command("play", 5, None, "key", -2000, stream_id=1, csid=8)
    + bytes.fromhex("42 000001 00000a 04 0003 00000001 00000bb8"),
    command("deleteStream", 6, None, 1),
]  # fmt: skip
L5_RTMPDUMP_PLAYS = [
    C0_C1 + C2,
    command("connect", 1, {
        "app": "live", "flashVer": "LNX 10,0,32,18", "tcUrl": TC_URL, "fpad": False,
        "capabilities": 15, "audioCodecs": 3191, "videoCodecs": 252, "videoFunction": 1,
    }),
    control(5, 2_500_000)
    + user_control(3, 0, 300)
    + command("createStream", 2, None)
    + command("FCSubscribe", 3, None, "key"),
    command("_checkbw", 4, None)
    + command("play", 5, None, "key", -1000, stream_id=1, csid=8)
    + user_control(3, 1, 36_000_000),
    command("deleteStream", 6, None, 1),
]  # fmt: skip
GSTREAMER_PLAYS = [
    C0_C1,
    C2 + command("connect", 1, {"app": "live", "flashVer": "LNX 10,0,32,18", "tcUrl": TC_URL}),
    user_control(3, 0, 300) + command("createStream", 2, None),
    command("play", 0, None, "key", -2, stream_id=1) + user_control(3, 1, 30_000),
    command("deleteStream", 0, None, 1),
]

V11A_CONNECT = bytes.fromhex(
    "03 000000 000062 14 00000000 02 0007 636f6e6e656374 00 3ff0000000000000 03"
    "0003 617070 02 0004 6c697665 0008 666c617368566572 02 0008 464d4c452f332e30"
    "0005 746355726c 02 000d 72746d703a2f2f682f6c697665"
    "0004 74797065 02 000a 6e6f6e70726976617465 000009"
)
V11C_CREATE_STREAM = bytes.fromhex(
    "03 000000 000019 14 00000000 02 000c 63726561746553747265616d 00 4010000000000000 05"
)
V11E_PUBLISH = bytes.fromhex(
    "08 000000 000021 14 01000000 02 0007 7075626c697368 00 4014000000000000 05"
    "02 0003 6b6579 02 0004 6c697665"
)
V11G_PLAY = bytes.fromhex(
    "08 000000 000020 14 01000000 02 0004 706c6179 00 4010000000000000 05"
    "02 0003 6b6579 00 c09f400000000000"
)

PUBLISHERS = {
    "ffmpeg": L1_FFMPEG_PUBLISHES,
    "ffmpeg 8": L9_FFMPEG_8_PUBLISHES,
    "librtmp": L10_LIBRTMP_PUBLISHES,
    "obs": OBS_PUBLISHES,
    "gstreamer": GSTREAMER_PUBLISHES,
}
PLAYERS = {
    "ffmpeg": L2_FFMPEG_PLAYS,
    "rtmpdump": L5_RTMPDUMP_PLAYS,
    "gstreamer": GSTREAMER_PLAYS,
}
EVERYONE = [*PUBLISHERS.values(), *PLAYERS.values()]


@dataclass
class Host:
    """An application that accepts everything, at once."""

    connection: ServerConnection = field(
        default_factory=lambda: ServerConnection(random_bytes=random_bytes)
    )
    ear: Ear = field(default_factory=Ear)
    events: list[Event] = field(default_factory=list)
    sent: bytes = b""

    def receive(self, data: bytes) -> list[Heard]:
        """Return what the client hears."""
        for event in self.connection.receive_data(data):
            self._take(event)
        answer = self.connection.data_to_send()
        self.sent += answer
        return self.ear.hear(answer)

    def _take(self, event: Event) -> None:
        match event, self.events:
            case MediaReceived(stream_id, messages), [*_, MediaReceived(last_id, gathered)] if (
                stream_id == last_id
            ):
                gathered.extend(messages)  # what one read or several brought is the same
                return
            case ConnectRequested(), _:
                self.connection.accept_connect()
            case PublishRequested(stream_id=stream_id), _:
                self.connection.accept_publish(stream_id)
            case PlayRequested(stream_id=stream_id), _:
                self.connection.accept_play(stream_id)
        self.events.append(event)


def hold(conversation: list[bytes]) -> tuple[Host, list[list[Heard]]]:
    host = Host()
    return host, [host.receive(turn) for turn in conversation]


@pytest.mark.parametrize(
    ("last", "request_"), [(V11E_PUBLISH, PublishRequested), (V11G_PLAY, PlayRequested)]
)
def test_the_vectors_of_the_commands(last: bytes, request_: type[Event]) -> None:
    host, _ = hold([C0_C1 + C2, V11A_CONNECT, V11C_CREATE_STREAM, last])
    _, connect, asked = host.events
    assert isinstance(connect, ConnectRequested)
    assert (connect.app, connect.flash_ver, connect.tc_url) == ("live", "FMLE/3.0", "rtmp://h/live")
    assert isinstance(asked, request_)
    assert host.connection.error is None


@pytest.mark.parametrize("conversation", PUBLISHERS.values(), ids=PUBLISHERS)
def test_publishers_hear_what_they_wait_for_in_its_order(conversation: list[bytes]) -> None:
    host, heard = hold(conversation)
    connected = next(turn for turn in heard if turn)
    assert [message.type_id for message in connected] == [5, 6, 1, 20, 20]
    name, transaction, properties, information = connected[3].values
    assert (name, transaction) == ("_result", 1)
    assert isinstance(properties, dict)
    assert isinstance(information, dict)
    assert information["code"] == "NetConnection.Connect.Success"
    assert connected[4].values == ["onBWDone", 0, None]

    after_create = heard[heard.index(connected) + 1]
    assert after_create[-1].values[0] == "_result"
    assert after_create[-1].values[2:] == [None, 1]

    published = heard[heard.index(connected) + 2]
    begin, notice, start = published[-3:]
    assert (begin.type_id, begin.values) == (4, [bytes.fromhex("000000000001")])
    assert notice.values[0] == "onFCPublish"
    assert (start.stream_id, start.code) == (1, "NetStream.Publish.Start")
    # GStreamer fails unless the first status on the stream is this one.
    assert [m for m in published if m.stream_id == 1] == [start]
    assert host.connection.error is None


@pytest.mark.parametrize("conversation", PUBLISHERS.values(), ids=PUBLISHERS)
def test_publishers_bring_about_their_events(conversation: list[bytes]) -> None:
    host, _ = hold(conversation)
    handshake, connect, publish_, media_, *rest = host.events
    assert handshake == HandshakeDone()
    assert isinstance(connect, ConnectRequested)
    assert (connect.app, connect.tc_url) == ("live", TC_URL)
    assert publish_ == PublishRequested(1, "key", "", "live")
    assert isinstance(media_, MediaReceived)
    assert len(media_.messages) >= 2
    assert rest == [PublishEnded(1)]


def test_media_comes_out_octet_for_octet() -> None:
    host, _ = hold(L1_FFMPEG_PUBLISHES)
    (received,) = (event for event in host.events if isinstance(event, MediaReceived))
    assert received.messages == [
        Message(23, DATA, 1, METADATA),
        Message(23, VIDEO, 1, AVC_CONFIG),
        Message(23, AUDIO, 1, AAC_CONFIG),
        Message(23, VIDEO, 1, AVC_KEYFRAME),
        Message(23, VIDEO, 1, AVC_END),  # the end of a sequence is not the end of the stream
    ]


def test_publishers_are_told_that_they_have_ended() -> None:
    *_, farewell = hold(L1_FFMPEG_PUBLISHES)[1]
    assert [message.values[0] for message in farewell] == ["onFCUnpublish", "onStatus", "_result"]
    assert farewell[1].code == "NetStream.Unpublish.Success"


@pytest.mark.parametrize("conversation", PLAYERS.values(), ids=PLAYERS)
def test_players_hear_what_they_wait_for_in_its_order(conversation: list[bytes]) -> None:
    host, heard = hold(conversation)
    playing = heard[-2][-4:]
    assert [message.type_id for message in playing] == [4, 20, 20, 18]
    assert playing[0].values == [bytes.fromhex("000000000001")]
    assert [message.stream_id for message in playing[1:]] == [1, 1, 1]
    assert playing[1].code == "NetStream.Play.Reset"
    assert playing[2].code == "NetStream.Play.Start"
    assert playing[3].values == ["|RtmpSampleAccess", True, True]
    assert host.connection.error is None


@pytest.mark.parametrize(
    ("conversation", "mode", "length_ms"),
    [(L2_FFMPEG_PLAYS, "ANY", 3000), (L5_RTMPDUMP_PLAYS, "LIVE", 36_000_000),
     (GSTREAMER_PLAYS, "ANY", 30_000)],
    ids=["ffmpeg", "rtmpdump", "gstreamer"],
)  # fmt: skip
def test_players_bring_about_their_events(
    conversation: list[bytes], mode: str, length_ms: int
) -> None:
    host, _ = hold(conversation)
    _, _, play, *rest = host.events
    assert isinstance(play, PlayRequested)
    assert (play.stream_id, play.name, play.start.mode.name, play.reset) == (1, "key", mode, True)
    assert play.duration_ms is None
    assert rest == [BufferLengthSet(1, length_ms), PlayEnded(1)]


@pytest.mark.parametrize("conversation", EVERYONE)
def test_byte_by_byte_the_same_happens(conversation: list[bytes]) -> None:
    whole, _ = hold(conversation)
    host = Host()
    for turn in conversation:
        for position in range(len(turn)):
            host.receive(turn[position : position + 1])
    assert (host.events, host.sent) == (whole.events, whole.sent)


@settings(max_examples=40, deadline=None)
@given(conversation=st.sampled_from(EVERYONE), draw=st.data())
def test_cut_anywhere_the_same_happens(conversation: list[bytes], draw: st.DataObject) -> None:
    whole, _ = hold(conversation)
    host = Host()
    for turn in conversation:
        first, second = sorted(draw.draw(st.tuples(*[st.integers(0, len(turn))] * 2)))
        for part in (turn[:first], turn[first:second], turn[second:]):
            host.receive(part)
    assert (host.events, host.sent) == (whole.events, whole.sent)
