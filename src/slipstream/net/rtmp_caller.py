"""Who an RTMP client says that it is, when it connects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

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
