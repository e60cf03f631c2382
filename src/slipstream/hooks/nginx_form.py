"""The form fields that nginx-rtmp posts, so that what answers it answers us unchanged.

By its documentation (github.com/arut/nginx-rtmp-module/wiki/Directives#notify): fields of the
connection, `call`, fields of the call, and then the arguments of the stream's name as they came.
A 2xx allows, anything else refuses. There a redirect renames the stream or relays it; here it
refuses, since no answer may choose where media goes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote_plus, urlencode

from slipstream.hooks.answers import Answer
from slipstream.hooks.form import Posted, Stamp, no_answer
from slipstream.hub import Notice, NoticeKind

CALLS = {
    NoticeKind.CONNECT: "connect",
    NoticeKind.DISCONNECT: "disconnect",
    NoticeKind.PUBLISH: "publish",
    NoticeKind.PUBLISH_DONE: "publish_done",
    NoticeKind.PLAY: "play",
    NoticeKind.PLAY_DONE: "play_done",
}
# Beside `name`, as a live stream has them.
MORE = {
    "publish": {"type": "live"},
    "play": {"start": "4294965296", "duration": "0", "reset": "0"},  # start: -2000, unsigned
}
WORKER_STEP = 1_000_000_000  # so that connections of two workers have different numbers

_NUMBERS = re.compile(r"\d+")


class NginxForm:
    """See `Form`."""

    content_type = "application/x-www-form-urlencoded"

    def tell(self, notice: Notice, stamp: Stamp) -> bytes | None:
        """None for what nginx-rtmp does not tell."""
        call = CALLS.get(notice.kind)
        return None if call is None else _body(call, notice, _more(call, stamp))

    def ask(self, action: str, notice: Notice, stamp: Stamp) -> bytes | None:
        """`connect`, `publish`, `play`, `update_publish` or `update_play`."""
        if action != "update":
            return _body(action, notice, _more(action, stamp))
        seconds = notice.detail.get("seconds", 0)
        more = {"time": str(seconds), "timestamp": _milliseconds(stamp)}
        return _body(f"update_{notice.kind}", notice, more)

    def read(self, posted: Posted) -> Answer:
        """2xx allows; 5xx and redirects are no answer; the rest refuses."""
        if 200 <= posted.status < 300:
            return Answer(allows=True)
        if 400 <= posted.status < 500:
            return Answer(allows=False, reason=f"answered with the status {posted.status}")
        return no_answer(posted.status)


def connection_number(connection_id: str) -> int:
    """The number by which nginx-rtmp would call a connection: `rtmp-2-7` is 2000000007."""
    number = 0
    for digits in _NUMBERS.findall(connection_id):
        number = number * WORKER_STEP + int(digits)
    return number


def _more(call: str, stamp: Stamp) -> dict[str, str]:
    return {"epoch": _milliseconds(stamp)} if call == "connect" else MORE.get(call, {})


def _milliseconds(stamp: Stamp) -> str:
    return str(int(stamp.at_s * 1000) & 0x7FFFFFFF)


def _body(call: str, notice: Notice, more: dict[str, str]) -> bytes:
    app, _, name = notice.stream.partition("/")
    fields = {
        "app": app,
        "flashver": notice.client,
        "swfurl": "",  # Flash is no more
        "tcurl": notice.tc_url,
        "pageurl": notice.page_url,
        "addr": notice.address,
        "clientid": str(connection_number(notice.id)),
        "call": call,
        **({"name": name} if name else {}),
        **more,
    }
    arguments = _arguments(notice.query, fields)
    return "&".join(part for part in (urlencode(fields), *arguments) if part).encode()


def _arguments(query: str, fields: Collection[str]) -> list[str]:
    """The arguments as they came, but for those that could pass themselves off as our fields.

    Many frameworks take the last of two fields, PHP takes `name[]` for `name` as well: with
    `victim?name=mine` somebody could be asked about as `mine` and publish `victim`.
    """
    kept = []
    for part in _plain(query.lstrip("?")).split("&"):
        name = unquote_plus(part.partition("=")[0]).partition("[")[0]
        if part and name.partition("\0")[0].strip().casefold() not in fields:
            kept.append(part)
    return kept


def _plain(query: str) -> str:
    """The arguments, with whatever has no place in one of a form's fields escaped."""
    return "".join(
        letter
        if letter.isascii() and letter.isprintable() and letter not in " ;"
        else _escape(letter)
        for letter in query
    )


def _escape(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode(errors="replace"))
