"""The hub finds and joins publishers and viewers. It names no protocol and no format.

It opens no socket and starts no task: time is an argument, and `tick()` is called about once
a second by whoever has a clock.
"""

from __future__ import annotations

from collections.abc import Callable

from slipstream.formats import Format
from slipstream.hub.peers import EndReason, PublisherPeer, ViewerPeer, Wake
from slipstream.hub.publication import Publication
from slipstream.hub.settings import StreamSettings
from slipstream.hub.stream import Stream, Subscription, Totals

SettingsOf = Callable[[str], StreamSettings]


class Hub:
    """All streams of this process.

    Args:
        settings_of: the settings of an application, by the stream's name.
        wake: called when a log with viewers has grown.
    """

    def __init__(self, settings_of: SettingsOf, wake: Wake) -> None:
        self.streams: dict[str, Stream] = {}
        self.totals = Totals()
        self._settings_of = settings_of
        self._wake = wake

    def publish(
        self, name: str, peer: PublisherPeer, *, credential: str, now: float
    ) -> Publication:
        """Begin to publish the stream `name` (see `names.stream_name`).

        Raises:
            BusyError: somebody with another credential publishes it.
        """
        return self._stream(name, now).publish(peer, credential, now)

    def subscribe(
        self, name: str, form: type[Format], peer: ViewerPeer, *, now: float
    ) -> Subscription:
        """Begin to watch the stream `name` in the format `form`, or to wait for it.

        Raises:
            FullError: it has all the viewers it may have.
        """
        return self._stream(name, now).subscribe(form, peer, now)

    def tick(self, now: float) -> None:
        """Do what is due: silent publishers, waiting viewers, streams that nobody needs."""
        for stream in list(self.streams.values()):
            if not stream.tick(now):
                del self.streams[stream.name]

    def end(self, reason: EndReason, now: float) -> None:
        """Send everybody away."""
        for stream in list(self.streams.values()):
            stream.end(reason, now)

    def _stream(self, name: str, now: float) -> Stream:
        stream = self.streams.get(name)
        if stream is None:
            settings = self._settings_of(name)
            stream = Stream(name, settings, self._wake, self.totals, now)
            self.streams[name] = stream
        return stream
