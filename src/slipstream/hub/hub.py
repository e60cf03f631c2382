"""The hub finds and joins publishers and viewers. It names no protocol and no format.

It opens no socket and starts no task: time is an argument, and `tick()` is called about once
a second by whoever has a clock.
"""

from __future__ import annotations

from collections.abc import Callable

from slipstream.formats import Format
from slipstream.hub.audience import Subscription, Tap
from slipstream.hub.directory import OURS, Alone, Claim, Directory
from slipstream.hub.notices import Notices
from slipstream.hub.peers import EndReason, PublisherPeer, Rank, ViewerPeer, Wake
from slipstream.hub.publication import Publication
from slipstream.hub.settings import StreamSettings
from slipstream.hub.sources import NoSources, SourceFinder
from slipstream.hub.stream import Stream
from slipstream.hub.totals import Totals

SettingsOf = Callable[[str], StreamSettings]


class Hub:
    """All streams of this process.

    Attributes:
        notices: of what happens to them, and to all connections of this process.
        sources: asked for streams that somebody waits for.

    Args:
        settings_of: the settings of an application, by the stream's name.
        wake: called when a log with viewers has grown.
        directory: the other processes of the server; None if there are none.
    """

    def __init__(
        self, settings_of: SettingsOf, wake: Wake, directory: Directory | None = None
    ) -> None:
        self.streams: dict[str, Stream] = {}
        self.totals = Totals()
        self.notices = Notices()
        self.sources: SourceFinder = NoSources()
        self._settings_of = settings_of
        self._wake = wake
        self.directory = directory or Alone()

    def publish(
        self,
        name: str,
        peer: PublisherPeer,
        *,
        credential: str,
        now: float,
        claim: Claim = OURS,
        rank: Rank = Rank.ENCODER,
        max_viewers: int = 0,
    ) -> Publication:
        """Begin to publish the stream `name` (see `names.stream_name`), whose home is here.

        Args:
            name: of the stream.
            peer: who publishes.
            credential: who has the right to take over: the same key, or the same address.
            now: seconds on the monotonic clock.
            claim: the directory's answer, by which it is here.
            rank: a slate makes way for any encoder, whatever its credential.
            max_viewers: that the stream may have while this is on air; 0: any number.

        Raises:
            BusyError: somebody publishes it who does not make way.
        """
        stream = self._stream(name, now)
        stream.came_home(claim)
        return stream.publish(peer, credential, now, rank, max_viewers)

    def subscribe(
        self,
        name: str,
        form: type[Format],
        peer: ViewerPeer,
        *,
        now: float,
        delay_ms: int = 0,
        player: str = "",
    ) -> Subscription:
        """Begin to watch the stream `name` in the format `form`, or to wait for it.

        Args:
            name: of the stream.
            form: the format.
            peer: who watches.
            now: seconds on the monotonic clock.
            delay_ms: how far behind the newest frame it wants to start; 0: the newest keyframe.
            player: who it is, if it may be a viewer in other processes, too, and is to count
                once; empty: it is not.

        Raises:
            FullError: it has all the viewers it may have.
        """
        stream = self._stream(name, now)
        subscription = stream.subscribe(form, peer, now, delay_ms=delay_ms, player=player)
        if not stream.is_live or stream.on_slate:
            self.sources.find(name)
        return subscription

    def tap(self, name: str, form: type[Format], tap: Tap) -> Format | None:
        """Have a stream's format kept for another process; None if there is no such stream."""
        stream = self.streams.get(name)
        return None if stream is None else stream.audience.tap(form, tap)

    def untap(self, name: str, tap: Tap) -> None:
        """The other process follows no more."""
        stream = self.streams.get(name)
        if stream is not None:
            stream.audience.untap(tap)

    def located(self, name: str, now: float, *, elsewhere: bool) -> None:
        """Another process has become the home of a stream, or is it no more."""
        stream = self.streams.get(name)
        if stream is not None:
            stream.located(now, elsewhere=elsewhere)

    def limited(self, name: str, max_viewers: int) -> None:
        """Another process says how many viewers a stream may have, whose home it is."""
        stream = self.streams.get(name)
        if stream is not None:
            stream.audience.limit_to(max_viewers)

    def give_back(self, name: str) -> None:
        """Whoever had this process made the home of a stream does not publish it after all."""
        stream = self.streams.get(name)
        if stream is None:
            self.directory.release(name, 0)
        else:
            stream.give_back()

    def hand_over(self, name: str, credential: str, now: float) -> tuple[int, str]:
        """Give a stream up to a publisher elsewhere.

        Returns:
            The stream's newest time in ms, and why not if it is not given up.
        """
        stream = self.streams.get(name)
        if stream is None:
            return 0, ""
        return stream.head_ms, stream.hand_over(credential, now)

    def head_ms(self, name: str) -> int:
        """The newest time of a stream, whoever publishes it; 0 if there is none."""
        stream = self.streams.get(name)
        return 0 if stream is None else stream.head_ms

    def tick(self, now: float) -> None:
        """Do what is due: silent publishers, waiting viewers, streams that nobody needs."""
        for stream in list(self.streams.values()):
            if not stream.tick(now):
                stream.close()
                del self.streams[stream.name]

    def reconfigure(self) -> None:
        """The settings of applications may be others now: living streams go on with them.

        Nobody is disconnected. What becomes of a second publisher stays as it was while a stream
        lives; what logs keep, and how segments are cut, counts for formats made from now on.
        """
        for stream in self.streams.values():
            policy = {"on_second_publisher": stream.settings.on_second_publisher}
            settings = self._settings_of(stream.name).model_copy(update=policy)
            stream.settings = settings
            stream.lineup.reconfigure(settings)
            stream.audience.reconfigure(settings)

    def end(self, reason: EndReason, now: float) -> None:
        """Send everybody away."""
        for stream in list(self.streams.values()):
            stream.end(reason, now)

    def _stream(self, name: str, now: float) -> Stream:
        stream = self.streams.get(name)
        if stream is None:
            settings = self._settings_of(name)
            stream = Stream(
                name, settings, self._wake, self.directory, self.totals, self.notices, now
            )
            self.streams[name] = stream
        return stream
