"""What happens to streams and connections, told to whoever wants to know.

Whoever sees it happen tells it once, where it also has its line in the log; hooks, live events
and relays listen. A notice is told in the same synchronous step, so listeners take note and act
later; a bug in one of them costs that notice, and nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from slipstream.hub.peers import Peer

log = structlog.get_logger()


class NoticeKind(StrEnum):
    """What has happened; the value is what operators read."""

    CONNECT = "connect"
    """An RTMP connection has named its application."""
    DISCONNECT = "disconnect"
    PUBLISH = "publish"
    """Somebody begins to publish; it may stand by."""
    PUBLISH_DONE = "publish_done"
    PLAY = "play"
    PLAY_DONE = "play_done"
    REFUSED = "refused"
    """Somebody may not publish or play; `detail["action"]` says which."""
    STREAM_UP = "stream_up"
    """An encoder is on air where there was none."""
    STREAM_DOWN = "stream_down"
    """No encoder is on air any more."""
    LIMIT = "limit"
    """A limit was hit; `detail["limit"]` says which: viewers, formats, memory."""
    ALERT = "alert"
    """Something is wrong with what a publisher sends, or is right again."""
    ERROR = "error"
    """Something of ours failed; `reason` is the line that the log has of it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened. What is not known is empty."""

    kind: NoticeKind
    stream: str = ""
    """`app/name`; of a connection that has named no stream yet, `app`."""
    id: str = ""
    """Of the connection, as in the log."""
    address: str = ""
    """Of the peer, without the port."""
    protocol: str = ""
    client: str = ""
    """What the peer calls itself: RTMP's `flashVer`, HTTP's `User-Agent`."""
    query: str = ""
    """Behind the '?' of the stream's name or the application, as sent. It may hold secrets."""
    tc_url: str = ""
    """RTMP's address of the application, as sent. It may hold secrets, too."""
    page_url: str = ""
    """The page on which the player is: RTMP's `pageUrl`, HTTP's `Referer`."""
    reason: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)
    """What else is known, by name: strings and numbers."""


Listen = Callable[[Notice], None]


class Notices:
    """Those of one process: `tell()` reaches every function in `listeners`."""

    __slots__ = ("listeners",)

    def __init__(self) -> None:
        self.listeners: list[Listen] = []

    def tell(self, notice: Notice) -> None:
        """Pass it on."""
        for listen in self.listeners:
            try:
                listen(notice)
            except Exception:
                log.exception("notice.bug", kind=str(notice.kind))


class Standing:
    """Whether a stream is up; tells when that changes.

    Args:
        stream: its name.
        notices: where it is told.
    """

    __slots__ = ("_notices", "_stream", "is_up")

    def __init__(self, stream: str, notices: Notices) -> None:
        self.is_up = False
        self._stream = stream
        self._notices = notices

    def set(self, peer: Peer, *, up: bool) -> None:
        """It is up or down, by this publisher's doing."""
        if up is self.is_up:
            return
        self.is_up = up
        self._notices.tell(
            Notice(
                NoticeKind.STREAM_UP if up else NoticeKind.STREAM_DOWN,
                stream=self._stream,
                id=peer.connection_id,
                address=peer.address,
                protocol=peer.protocol,
            )
        )
