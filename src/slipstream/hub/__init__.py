"""Streams, publishers and viewers: who publishes what, who watches, what happens when one goes."""

from slipstream.hub.audience import Audience, Subscription, Tap
from slipstream.hub.directory import Alone, Claim, Directory
from slipstream.hub.hub import Hub
from slipstream.hub.names import stream_name
from slipstream.hub.notices import Notice, NoticeKind, Notices
from slipstream.hub.peers import (
    BusyError,
    EndReason,
    FullError,
    PublisherPeer,
    PublisherState,
    Rank,
    ViewerFigures,
    ViewerPeer,
    Wake,
)
from slipstream.hub.publication import Publication
from slipstream.hub.settings import StreamSettings
from slipstream.hub.sources import NoSources, SourceFinder
from slipstream.hub.stream import Stream
from slipstream.hub.totals import Had, Past, Totals

__all__ = [
    "Alone",
    "Audience",
    "BusyError",
    "Claim",
    "Directory",
    "EndReason",
    "FullError",
    "Had",
    "Hub",
    "NoSources",
    "Notice",
    "NoticeKind",
    "Notices",
    "Past",
    "Publication",
    "PublisherPeer",
    "PublisherState",
    "Rank",
    "SourceFinder",
    "Stream",
    "StreamSettings",
    "Subscription",
    "Tap",
    "Totals",
    "ViewerFigures",
    "ViewerPeer",
    "Wake",
    "stream_name",
]
