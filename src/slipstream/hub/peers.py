"""Those whom the hub joins, seen from the hub: interfaces that `net` fulfils.

The hub calls them in the same synchronous step in which something happens; they must not
call back into the same stream before they return.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Protocol

from slipstream.errors import SlipstreamError
from slipstream.formats import Format
from slipstream.hub.settings import StreamSettings
from slipstream.hub.totals import Had
from slipstream.log import Log, SyncPoint


class Rank(IntEnum):
    """Whose place a publisher may take: that of a lower rank always, and at once."""

    SLATE = 0
    """Our own, shown while no encoder is there."""
    ENCODER = 1


class PublisherState(StrEnum):
    """What a publisher is to its stream; the value is what operators read."""

    ON_AIR = "on air"
    SLATE = "slate"
    COMING = "coming"
    """Goes on air at its next keyframe."""
    LINK = "link"
    """Sends the same as the one on air, over another connection."""
    STANDBY = "standby"


class EndReason(StrEnum):
    """Why the hub ends a publisher or a viewer; the value is what operators read."""

    TAKEN_OVER = "another encoder with the same right took over the stream"
    RELIEVED = "an encoder is on air in place of the slate"
    SILENT = "no media within the idle time"
    NOT_FOUND = "nobody publishes this stream"
    NO_TRACK = "this stream has no such track"
    UNPUBLISHED = "the publisher went and did not come back"
    FULL = "the stream has all the viewers it may have"
    KICKED = "ended by the operator"
    REVOKED = "what let it in is good for nothing any more"
    SHUTDOWN = "the server is stopping"


class BusyError(SlipstreamError):
    """The stream is live and the newcomer has no right to take it over."""


class FullError(SlipstreamError):
    """The stream has all the viewers that it may have."""


class Peer(Protocol):
    """A connection, as far as figures and logs go."""

    @property
    def connection_id(self) -> str:
        """As in the log."""

    @property
    def address(self) -> str:
        """Of the far end, without the port."""

    @property
    def protocol(self) -> str:
        """What is spoken: rtmp, http-flv, ws-flv, http-ts."""

    @property
    def encrypted(self) -> bool:
        """Whether it came with TLS."""


class PublisherPeer(Peer, Protocol):
    """The connection of a publisher."""

    def placed(self, state: PublisherState) -> None:
        """What the publisher is to the stream has changed since it came."""

    def end(self, reason: EndReason) -> None:
        """Tell the publisher and close it."""


class ViewerPeer(Peer, Protocol):
    """The connection of a viewer."""

    def start(self, form: Format, sync: SyncPoint, settings: StreamSettings) -> None:
        """Send the greeting and then the log from `sync` on."""

    def end(self, reason: EndReason) -> None:
        """Tell the viewer and close it."""

    def has_all(self) -> bool:
        """Whether it has received all there is for it, or gets nothing."""

    def had(self) -> Had:
        """What it has had so far (2 µs)."""

    def figures(self) -> ViewerFigures:
        """How it fares (40 µs)."""


class ViewerFigures(Protocol):
    """What is known of a viewer: zero or None while it waits, and None what cannot be known."""

    @property
    def lag_ms(self) -> int:
        """What it has not received, in ms of the stream."""

    @property
    def bytes_sent(self) -> int:
        """Of the log."""

    @property
    def jumps(self) -> int:
        """To a newer sync point, because it was too slow."""

    @property
    def skipped_ms(self) -> int:
        """What it missed by them, in ms of the stream."""

    @property
    def dropped_frames(self) -> int:
        """Pictures left out for it, because it was slow."""

    @property
    def startup_ms(self) -> int | None:
        """From its request to the first byte of media."""

    @property
    def keyframe_ms(self) -> int | None:
        """From its request until the first picture had been handed over."""

    @property
    def frame_rate(self) -> float | None:
        """Pictures that it has had per second of the stream."""

    @property
    def stream_frame_rate(self) -> float | None:
        """Pictures per second of what it watches."""

    @property
    def rtt_ms(self) -> float | None:
        """To it and back, as TCP measures it."""

    @property
    def retransmits(self) -> int | None:
        """What TCP had to send again, in segments."""

    @property
    def late_requests(self) -> int:
        """For segments that were no longer there."""

    @property
    def score(self) -> int | None:
        """How good it is what it gets, 0 to 100."""


class Wake(Protocol):
    """Whoever serves a log's viewers."""

    def __call__(self, log: Log, picture: bool) -> None:
        """The log has grown; `picture`: by a picture, or by all that there is of one."""
