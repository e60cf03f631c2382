from __future__ import annotations

import json

from slipstream.hooks.form import Stamp
from slipstream.hooks.own_form import OwnForm
from slipstream.hub import Notice, NoticeKind

STAMP = Stamp("m1", 1_795_000_000.25, "here")


def told(notice: Notice) -> dict[str, object]:
    body = OwnForm().tell(notice, STAMP)
    assert body is not None
    value = json.loads(body)
    assert isinstance(value, dict)
    return value


def test_an_event_says_what_happened_where_and_when() -> None:
    notice = Notice(
        NoticeKind.PUBLISH_DONE,
        stream="live/a/b",
        id="rtmp-1",
        address="192.0.2.1",
        protocol="rtmp",
        client="OBS",
        query="session=5",
        reason="unpublished",
        detail={"frames": 7},
    )
    assert told(notice) == {
        "event": "publish_done",
        "id": "m1",
        "time": "2026-11-18T11:06:40.250Z",
        "server": "here",
        "stream": "live/a/b",
        "app": "live",
        "name": "a/b",
        "connection": "rtmp-1",
        "address": "192.0.2.1",
        "protocol": "rtmp",
        "client": "OBS",
        "query": "session=5",
        "tc_url": "",
        "page_url": "",
        "reason": "unpublished",
        "detail": {"frames": 7},
    }


def test_a_connection_has_an_application_and_no_stream() -> None:
    what = told(Notice(NoticeKind.CONNECT, stream="live"))
    assert (what["stream"], what["app"], what["name"]) == ("", "live", "")


def test_our_own_credentials_are_told_to_nobody() -> None:
    notice = Notice(
        NoticeKind.PUBLISH,
        stream="live/a",
        query="a=1&key=secret&monkey=2&t%6Fken=secret&sig=secret&key",
        tc_url="rtmp://h/live?key=secret",
    )
    what = told(notice)
    assert what["query"] == "a=1&key=***&monkey=2&t%6Fken=***&sig=***&key"
    assert what["tc_url"] == "rtmp://h/live?key=***"


def test_what_peers_say_is_cut() -> None:
    what = told(Notice(NoticeKind.CONNECT, stream="live", client="x" * 100_000))
    assert len(str(what["client"])) == 2048
