"""What clients ask for, in their several spellings."""

from __future__ import annotations

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.amf import UNDEFINED, EcmaArray, Value
from slipstream.errors import BadNameError, CommandError
from slipstream.rtmp.capabilities import CapsEx
from slipstream.rtmp.commands import Command
from slipstream.rtmp.events import PlayMode, PlayRequested, PlayStart, PublishRequested
from slipstream.rtmp.requests import (
    MAX_TIME_MS,
    counts_in_ms,
    parse_connect,
    parse_play,
    parse_play2,
    parse_publish,
    read_time_ms,
)

ANY, LIVE = PlayStart(PlayMode.ANY), PlayStart(PlayMode.LIVE)


def recorded(position_ms: int) -> PlayStart:
    return PlayStart(PlayMode.RECORDED, position_ms)


def play(*arguments: Value, times_in_ms: bool = False) -> PlayRequested:
    return parse_play(Command("play", 5, None, list(arguments)), 1, times_in_ms=times_in_ms)


def test_connect_of_ffmpeg() -> None:
    properties: dict[str, Value] = {
        "app": "live",
        "flashVer": "LNX 9,0,124,2",
        "tcUrl": "rtmp://127.0.0.1:40509/live",
        "fpad": False,
    }
    request = parse_connect(Command("connect", 1, properties, ["token"]))
    assert (request.app, request.query, request.tc_url) == ("live", "", properties["tcUrl"])
    assert request.flash_ver == "LNX 9,0,124,2"
    assert request.properties is properties
    assert request.arguments == ["token"]
    assert not request.enhanced.announced


def test_connect_in_other_spellings() -> None:
    properties = EcmaArray(tcurl="'rtmp://h/live?a=b'", flashver="x", capsEx=2.0)
    request = parse_connect(Command("connect", 1, properties, []))
    assert (request.app, request.query, request.tc_url) == ("live", "a=b", "rtmp://h/live?a=b")
    assert (request.flash_ver, request.enhanced.caps_ex) == ("x", CapsEx.MULTITRACK)


def test_connect_with_values_of_wrong_types() -> None:
    properties: dict[str, Value] = {"app": 7.0, "tcUrl": None, "flashVer": [], "capsEx": {}}
    request = parse_connect(Command("connect", 1, properties, []))
    assert (request.app, request.query, request.tc_url, request.flash_ver) == ("", "", "", "")


@pytest.mark.parametrize("target", [None, UNDEFINED, "app", 1.0, ["app"]])
def test_connect_without_properties_is_an_error(target: Value) -> None:
    with pytest.raises(CommandError, match="properties"):
        parse_connect(Command("connect", 1, target, []))


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [(["key", "live"], "live"), (["key", "record"], "record"), (["key", "append"], "append"),
     (["key"], "live"), (["key", "?"], "live"), (["key", None], "live"), (["key", 1.0], "live")],
)  # fmt: skip
def test_publish(arguments: list[Value], kind: str) -> None:
    request = parse_publish(Command("publish", 5, None, arguments), 3)
    assert request == PublishRequested(3, "key", "", kind)  # type: ignore[arg-type]


def test_publish_with_a_token_or_without_a_name() -> None:
    assert parse_publish(Command("publish", 5, None, ["key?token=x"]), 1).query == "token=x"
    for arguments in ([], [None], [5.0], [""]):
        with pytest.raises(BadNameError):
            parse_publish(Command("publish", 5, None, arguments), 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "in_seconds", "in_ms"),
    [
        (-2000.0, ANY, ANY),  # FFmpeg, by default
        (-1000.0, LIVE, LIVE),  # FFmpeg and librtmp, when told that it is live
        (-2.0, ANY, ANY),  # GStreamer, and the specification
        (-1.0, LIVE, LIVE),
        (0.0, recorded(0), recorded(0)),
        (30.0, recorded(30_000), recorded(30)),
        (-1499.0, LIVE, LIVE),
        (-1500.0, ANY, ANY),
        (-100.0, LIVE, LIVE),
        (-50.0, ANY, ANY),
        (1e300, recorded(MAX_TIME_MS), recorded(MAX_TIME_MS)),
        (nan, ANY, ANY),
        (None, ANY, ANY),  # gortmplib sends none at all
        ("-2", ANY, ANY),
    ],
)
def test_where_play_starts(start: Value, in_seconds: PlayStart, in_ms: PlayStart) -> None:
    assert play("key", start).start == in_seconds
    assert play("key", start, times_in_ms=True).start == in_ms


def test_only_ffmpeg_and_librtmp_count_in_ms() -> None:
    assert counts_in_ms("LNX 9,0,124,2")
    assert counts_in_ms("LNX 10,0,32,18")
    assert not counts_in_ms("FMLE/3.0 (compatible; FMSc/1.0)")
    assert not counts_in_ms("")


def test_how_long_play_lasts() -> None:
    assert play("key").duration_ms is None
    assert play("key", -2, -1).duration_ms is None
    assert play("key", 0, 0).duration_ms == 0
    assert play("key", 0, 2.5).duration_ms == 2500
    assert play("key", 0, 2500, times_in_ms=True).duration_ms == 2500


@pytest.mark.parametrize(
    ("reset", "read"),
    [(True, True), (False, False), (1.0, True), (0.0, False), (2.0, False), (3.0, True),
     (None, True), ("yes", True)],
)  # fmt: skip
def test_whether_play_resets(reset: Value, read: bool) -> None:
    assert play("key", -2, -1, reset).reset is read


def test_play2_is_a_play_of_another_stream() -> None:
    options: Value = {"streamName": "mp4:high?t=1", "start": 3.0, "len": 2.0, "transition": "swap"}
    request = parse_play2(Command("play2", 0, None, [options]), 1)
    assert request == PlayRequested(1, "high", "t=1", recorded(3000), 2000, reset=True)
    with pytest.raises(BadNameError):
        parse_play2(Command("play2", 0, None, ["high"]), 1)


@given(st.floats())
def test_times_fit_a_timestamp(value: float) -> None:
    if value == value:  # not NaN, which `read_number` keeps out
        assert 0 <= read_time_ms(value) <= MAX_TIME_MS
