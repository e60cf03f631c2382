"""Who an RTMP client says that it is, when it connects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from slipstream.hub import Notice, NoticeKind
from slipstream.rtmp import ConnectRequested


@dataclass(slots=True)
class RtmpCaller:
    """What is not known is empty."""

    app: str = ""
    app_query: str = ""
    """Behind the '?' of the application."""
    client: str = ""
    """Its `flashVer`."""
    tc_url: str = ""
    page_url: str = ""
    """Of the web page that it is in, if it is in one."""
    user: str = ""
    """Who has shown a password."""
    multitrack: bool = False
    """It can read messages of several tracks."""

    @classmethod
    def of(cls, event: ConnectRequested) -> Self:
        """Whoever sends this."""
        return cls(
            app=event.app,
            app_query=event.query,
            client=event.flash_ver,
            tc_url=event.tc_url,
            page_url=str(event.properties.get("pageUrl") or ""),
            multitrack=event.enhanced.multitrack,
        )

    def notice(
        self,
        peer: tuple[str, str],
        kind: NoticeKind,
        stream: str,
        query: str = "",
        reason: str = "",
        **detail: object,
    ) -> Notice:
        """What there is to say of what it does; `peer` is the connection's id and its address."""
        return Notice(
            kind,
            stream=stream,
            id=peer[0],
            address=peer[1],
            protocol="rtmp",
            client=self.client,
            query=query,
            tc_url=self.tc_url,
            page_url=self.page_url,
            reason=reason,
            detail=detail,
        )
