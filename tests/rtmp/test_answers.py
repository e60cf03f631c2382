"""The server's answers, octet for octet where real clients have been seen to accept them."""

from __future__ import annotations

import pytest

from slipstream.amf import build_amf0, parse_amf0
from slipstream.rtmp import answers
from slipstream.rtmp.commands import Command
from slipstream.rtmp.messages import Message, MessageType

CONNECT_RESULT = bytes.fromhex(
    "02 0007 5f726573756c74 00 3ff0000000000000"
    "03 0006 666d73566572 02 000d 464d532f332c302c312c313233"
    "000c 6361706162696c6974696573 00 403f000000000000 0004 6d6f6465 00 3ff0000000000000 000009"
    "03 0005 6c6576656c 02 0006 737461747573"
    "0004 636f6465 02 001d 4e6574436f6e6e656374696f6e2e436f6e6e6563742e53756363657373"
    "000b 6465736372697074696f6e 02 0015 436f6e6e656374696f6e207375636365656465642e"
    "000e 6f626a656374456e636f64696e67 00 0000000000000000 000009"
)
CREATE_STREAM_RESULT = bytes.fromhex(
    "02 0007 5f726573756c74 00 4010000000000000 05 00 3ff0000000000000"
)
SAMPLE_ACCESS = bytes.fromhex("02 0011 7c52746d7053616d706c65416363657373 0101 0101")
RECONNECT_REQUEST = bytes.fromhex(
    "02 0008 6f6e537461747573 00 0000000000000000 05 03 0005 6c6576656c 02 0006 737461747573"
    "0004 636f6465 02 0026"
    "4e6574436f6e6e656374696f6e2e436f6e6e6563742e5265636f6e6e65637452657175657374"
    "0005 746355726c 02 000d 72746d703a2f2f622f6c697665"
    "000b 6465736372697074696f6e 02 0005 647261696e 000009"
)
REDIRECT = bytes.fromhex(
    "02 0006 5f6572726f72 00 3ff0000000000000 05 03 0005 6c6576656c 02 0005 6572726f72"
    "0004 636f6465 02 001e 4e6574436f6e6e656374696f6e2e436f6e6e6563742e52656a6563746564"
    "000b 6465736372697074696f6e 02 0005 6d6f766564 0002 6578 03 0004 636f6465 00 4072e00000000000"
    "0008 7265646972656374 02 000d 72746d703a2f2f622f6c697665 000009 000009"
)


def test_answers_equal_the_vectors() -> None:
    assert answers.connect_accepted(1, enhanced=False).payload == CONNECT_RESULT
    assert answers.stream_created(4, 1).payload == CREATE_STREAM_RESULT
    assert answers.reconnect_request("rtmp://b/live", "drain").payload == RECONNECT_REQUEST
    rejected = answers.connect_rejected(
        1, "NetConnection.Connect.Rejected", "moved", "rtmp://b/live"
    )
    assert rejected.payload == REDIRECT
    assert answers.sample_access(1) == Message(0, MessageType.DATA, 1, SAMPLE_ACCESS)


def test_enhanced_clients_are_told_in_both_objects_and_without_references() -> None:
    payload = answers.connect_accepted(1, enhanced=True).payload
    for properties in parse_amf0(payload)[2:]:
        assert isinstance(properties, dict)
        assert properties["fourCcList"] == ["*"]
        assert properties["capsEx"] == 15
    rebuilt = build_amf0(*parse_amf0(payload))  # from separate lists: no reference possible
    assert payload == rebuilt


@pytest.mark.parametrize(
    "name", ["releaseStream", "_checkbw", "checkBandwidth", "FCUnsubscribe", "nosuchthing"]
)
def test_calls_get_an_empty_result_if_they_want_one(name: str) -> None:
    (answer,) = answers.simple_answers(Command(name, 6, None, []))
    assert parse_amf0(answer.payload) == ["_result", 6, None, None]
    assert answers.simple_answers(Command(name, 0, None, [])) == []


def test_live_streams_have_no_length() -> None:
    (answer,) = answers.simple_answers(Command("getStreamLength", 4, None, ["key"]))
    assert parse_amf0(answer.payload) == ["_result", 4, None, 0]


def test_fc_subscribe_is_confirmed() -> None:
    result, notice = answers.simple_answers(Command("FCSubscribe", 3, None, ["key"]))
    assert parse_amf0(result.payload) == ["_result", 3, None, None]
    name, transaction, target, information = parse_amf0(notice.payload)
    assert (name, transaction, target) == ("onFCSubscribe", 0, None)
    assert isinstance(information, dict)
    assert information["code"] == "NetStream.Play.Start"
