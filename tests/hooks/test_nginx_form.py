"""Read as the backends that people have read it: the last of two fields counts, as in PHP."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from slipstream.hooks.form import Posted, Stamp
from slipstream.hooks.nginx_form import NginxForm
from slipstream.hub import Notice, NoticeKind

STAMP = Stamp("m1", 1_795_000_000.25, "here")
PUBLISHER = Notice(
    NoticeKind.PUBLISH,
    stream="live/tv",
    id="rtmp-2-7",
    address="192.0.2.1",
    protocol="rtmp",
    client="FMLE/3.0 (compatible; FMSc/1.0)",
    query="psk=a%20b&user=j%C3%B6",
    tc_url="rtmp://example.com/live",
)
FORM = NginxForm()


def fields(body: bytes | None) -> dict[str, str]:
    assert body is not None
    return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True))


def test_publishing_is_asked_about_with_the_fields_of_nginx_rtmp() -> None:
    assert fields(FORM.ask("publish", PUBLISHER, STAMP)) == {
        "app": "live",
        "flashver": "FMLE/3.0 (compatible; FMSc/1.0)",
        "swfurl": "",
        "tcurl": "rtmp://example.com/live",
        "pageurl": "",
        "addr": "192.0.2.1",
        "clientid": "2000000007",
        "call": "publish",
        "name": "tv",
        "type": "live",
        "psk": "a b",
        "user": "jö",
    }


def test_playing_has_start_duration_and_reset() -> None:
    asked = fields(FORM.ask("play", PUBLISHER, STAMP))
    assert asked["call"] == "play"
    assert {"start", "duration", "reset"} <= asked.keys()


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (NoticeKind.CONNECT, "connect"),
        (NoticeKind.DISCONNECT, "disconnect"),
        (NoticeKind.PUBLISH_DONE, "publish_done"),
        (NoticeKind.PLAY_DONE, "play_done"),
    ],
)
def test_events_are_told_as_calls(kind: NoticeKind, call: str) -> None:
    notice = Notice(kind, stream="live/tv", query="psk=x")
    told = fields(FORM.tell(notice, STAMP))
    assert (told["call"], told["name"], told["psk"]) == (call, "tv", "x")


def test_what_nginx_rtmp_does_not_tell_is_not_told() -> None:
    assert FORM.tell(Notice(NoticeKind.STREAM_UP, stream="live/tv"), STAMP) is None


def test_an_update_says_what_goes_on_and_for_how_long() -> None:
    notice = Notice(NoticeKind.PLAY, stream="live/tv", detail={"seconds": 30})
    asked = fields(FORM.ask("update", notice, STAMP))
    assert (asked["call"], asked["time"], asked["name"]) == ("update_play", "30", "tv")


@pytest.mark.parametrize(
    "query",
    ["name=mine", "NAME=mine", "n%61me=mine", "+name=mine", "name[]=mine", "name%00x=mine"],
)
def test_no_argument_passes_itself_off_as_a_field_of_ours(query: str) -> None:
    notice = Notice(NoticeKind.PUBLISH, stream="live/victim", query=f"{query}&psk=x")
    body = FORM.ask("publish", notice, STAMP)
    assert body is not None
    assert b"mine" not in body
    assert body.endswith(b"&psk=x")


def test_strange_letters_in_a_query_stay_in_their_argument() -> None:
    notice = Notice(NoticeKind.PUBLISH, stream="live/tv", query="psk=ä b\r\n;call=x")
    asked = fields(FORM.ask("publish", notice, STAMP))
    assert (asked["psk"], asked["call"]) == ("ä b\r\n;call=x", "publish")


@pytest.mark.parametrize(
    ("status", "allows"),
    [(200, True), (201, True), (299, True), (400, False), (403, False), (404, False)],
)
def test_only_2xx_allows(status: int, allows: bool) -> None:
    assert FORM.read(Posted(status, b"")).allows is allows


@pytest.mark.parametrize("status", [301, 302, 500, 503])
def test_redirects_and_failures_are_no_answer(status: int) -> None:
    assert FORM.read(Posted(status, b"")).allows is None
