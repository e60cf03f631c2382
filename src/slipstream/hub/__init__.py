"""Streams, publishers and viewers: who publishes what, who watches, what happens when one goes."""

from slipstream.hub.hub import Hub
from slipstream.hub.names import stream_name
from slipstream.hub.peers import (
    BusyError,
    EndReason,
    FullError,
    PublisherPeer,
    ViewerFigures,
    ViewerPeer,
    Wake,
)
from slipstream.hub.publication import Publication
from slipstream.hub.settings import StreamSettings
from slipstream.hub.stream import Stream, Subscription

__all__ = [
    "BusyError",
    "EndReason",
    "FullError",
    "Hub",
    "Publication",
    "PublisherPeer",
    "Stream",
    "StreamSettings",
    "Subscription",
    "ViewerFigures",
    "ViewerPeer",
    "Wake",
    "stream_name",
]
