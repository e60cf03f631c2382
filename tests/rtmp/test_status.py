"""Status objects, built as FFmpeg can read them and read as servers build them."""

from __future__ import annotations

import pytest

from slipstream.amf import EcmaArray, Value
from slipstream.rtmp.chunk_encoder import encode
from slipstream.rtmp.status import (
    Code,
    Level,
    Status,
    parse_status,
    status_message,
    status_object,
)

PUBLISH_START = bytes.fromhex(
    "05 000000 00005b 14 01000000 02 0008 6f6e537461747573 00 0000000000000000 05"
    "03 0005 6c6576656c 02 0006 737461747573"
    "0004 636f6465 02 0017 4e657453747265616d2e5075626c6973682e5374617274"
    "000b 6465736372697074696f6e 02 0002 6f6b 000009"
)


def test_publish_start_as_the_vector_has_it() -> None:
    message = status_message(1, Level.STATUS, Code.PUBLISH_START, "ok")
    assert encode(message, 5, 128) == PUBLISH_START


def test_details_come_last() -> None:
    built = status_object(Level.ERROR, Code.CALL_FAILED, "no", clientid="x")
    assert list(built) == ["level", "code", "description", "clientid"]
    assert {type(value) for value in built.values()} == {str}


@pytest.mark.parametrize("kind", [dict, EcmaArray])
def test_whatever_object_a_server_sends_is_read(kind: type[dict[str, Value]]) -> None:
    sent = kind({"level": "error", "code": "C", "description": "d", "clientid": 7.0})
    assert parse_status(sent) == Status("error", "C", "d")


@pytest.mark.parametrize("sent", [None, "text", 1.0, [], {}, {"level": None, "code": 5.0}])
def test_what_is_missing_comes_out_empty(sent: Value) -> None:
    assert parse_status(sent) == Status("", "", "")


def test_redirects_and_reconnects_are_read() -> None:
    moved: Value = {"code": 302.0, "redirect": "rtmp://b/live"}
    assert parse_status({"ex": moved}).redirect == "rtmp://b/live"
    assert parse_status({"ex": "odd"}).redirect == ""
    assert parse_status({"tcUrl": "rtmp://b/live"}).tc_url == "rtmp://b/live"
