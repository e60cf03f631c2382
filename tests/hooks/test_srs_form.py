from __future__ import annotations

import json

import pytest

from slipstream.hooks.form import Posted, Stamp
from slipstream.hooks.srs_form import SrsForm
from slipstream.hub import Notice, NoticeKind

STAMP = Stamp("m1", 1_795_000_000.25, "vid-here")
PUBLISHER = Notice(
    NoticeKind.PUBLISH,
    stream="live/livestream",
    id="rtmp-2-7",
    address="192.168.1.10",
    query="token=xxx&salt=yyy",
    tc_url="rtmp://video.test.com/live",
)
FORM = SrsForm()


def test_publishing_is_asked_about_with_the_members_of_srs() -> None:
    body = FORM.ask("publish", PUBLISHER, STAMP)
    assert body is not None
    asked = json.loads(body)
    assert asked.pop("stream_id").startswith("vid-")
    assert asked == {
        "server_id": "vid-here",
        "action": "on_publish",
        "client_id": "rtmp-2-7",
        "ip": "192.168.1.10",
        "vhost": "__defaultVhost__",
        "app": "live",
        "tcUrl": "rtmp://video.test.com/live",
        "stream": "livestream",
        "param": "?token=xxx&salt=yyy",
        "stream_url": "__defaultVhost__/live/livestream",
    }


@pytest.mark.parametrize(
    ("kind", "action", "members"),
    [
        (NoticeKind.CONNECT, "on_connect", {"tcUrl", "pageUrl"}),
        (NoticeKind.DISCONNECT, "on_close", {"send_bytes", "recv_bytes"}),
        (NoticeKind.PUBLISH_DONE, "on_unpublish", {"stream", "param"}),
        (NoticeKind.PLAY, "on_play", {"stream", "param", "pageUrl"}),
        (NoticeKind.PLAY_DONE, "on_stop", {"stream", "param"}),
    ],
)
def test_events_are_told_as_actions(kind: NoticeKind, action: str, members: set[str]) -> None:
    body = FORM.tell(Notice(kind, stream="live/a", id="rtmp-1"), STAMP)
    assert body is not None
    told = json.loads(body)
    assert told["action"] == action
    assert members <= told.keys()


def test_what_srs_does_not_tell_or_ask_is_not() -> None:
    assert FORM.tell(Notice(NoticeKind.STREAM_UP, stream="live/a"), STAMP) is None
    assert FORM.ask("update", PUBLISHER, STAMP) is None


@pytest.mark.parametrize("body", [b"0", b" 0\n", b'{"code": 0}', b'{"code": 0, "data": null}'])
def test_zero_allows(body: bytes) -> None:
    assert FORM.read(Posted(200, body)).allows is True


@pytest.mark.parametrize(
    "body", [b"", b"1", b"OK", b'{"code": 1}', b"{}", b'"0"', b"false", b"[0]", b"0.0", b"null"]
)
def test_anything_else_refuses(body: bytes) -> None:
    assert FORM.read(Posted(200, body)).allows is False


def test_only_the_status_200_allows() -> None:
    assert FORM.read(Posted(204, b"0")).allows is None
    assert FORM.read(Posted(403, b"0")).allows is False
    assert FORM.read(Posted(500, b"0")).allows is None
