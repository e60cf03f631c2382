"""The JSON that SRS posts, so that what answers it answers us unchanged.

By its documentation (ossrs.io/lts/en-us/docs/v5/doc/http-callback). The status 200 with `0` or
`{"code": 0}` allows, anything else refuses.
"""

from __future__ import annotations

import hashlib

import orjson

from slipstream.hooks.answers import Answer
from slipstream.hooks.form import Posted, Stamp, no_answer
from slipstream.hub import Notice, NoticeKind

ACTIONS = {
    NoticeKind.CONNECT: "on_connect",
    NoticeKind.DISCONNECT: "on_close",
    NoticeKind.PUBLISH: "on_publish",
    NoticeKind.PUBLISH_DONE: "on_unpublish",
    NoticeKind.PLAY: "on_play",
    NoticeKind.PLAY_DONE: "on_stop",
}
OF_CONNECTIONS = (NoticeKind.CONNECT, NoticeKind.DISCONNECT)
VHOST = "__defaultVhost__"
STREAM_ID_DIGITS = 7


class SrsForm:
    """See `Form`."""

    content_type = "application/json"

    def tell(self, notice: Notice, stamp: Stamp) -> bytes | None:
        """None for what SRS does not tell."""
        action = ACTIONS.get(notice.kind)
        if action is None:
            return None
        app, _, name = notice.stream.partition("/")
        what: dict[str, object] = {
            "server_id": stamp.server,
            "action": action,
            "client_id": notice.id,
            "ip": notice.address,
            "vhost": VHOST,
            "app": app,
            "tcUrl": notice.tc_url,
        }
        if notice.kind not in OF_CONNECTIONS:
            what |= {
                "stream": name,
                "param": f"?{notice.query}" if notice.query else "",
                "stream_url": f"{VHOST}/{notice.stream}",
                "stream_id": _stream_id(notice.stream),
            }
        if notice.kind in (NoticeKind.CONNECT, NoticeKind.PLAY):
            what["pageUrl"] = notice.page_url
        if notice.kind is NoticeKind.DISCONNECT:
            what |= {
                "send_bytes": notice.detail.get("bytes_sent", 0),
                "recv_bytes": notice.detail.get("bytes_received", 0),
            }
        return orjson.dumps(what, default=str)

    def ask(self, action: str, notice: Notice, stamp: Stamp) -> bytes | None:
        """SRS asks with what it tells, and has no updates."""
        return None if action == "update" else self.tell(notice, stamp)

    def read(self, posted: Posted) -> Answer:
        """See the module."""
        if posted.status != 200:
            if 400 <= posted.status < 500:
                return Answer(allows=False, reason=f"answered with the status {posted.status}")
            return no_answer(posted.status)
        try:
            said = orjson.loads(posted.body)
        except orjson.JSONDecodeError:
            return Answer(allows=False, reason="answered with what is no JSON")
        code = said.get("code") if isinstance(said, dict) else said
        if type(code) is int and code == 0:
            return Answer(allows=True)
        return Answer(allows=False, reason=f"answered with the code {str(code)[:20]}")


def _stream_id(stream: str) -> str:
    digest = hashlib.sha256(stream.encode()).hexdigest()
    return f"vid-{digest[:STREAM_ID_DIGITS]}"
