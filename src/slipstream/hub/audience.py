"""Those who watch one stream or wait for it, and the formats in which they do.

A format is made when somebody first asks for it and let go when nobody has used it for a
while. Its log is written by the stream, or, where another process has the publisher, filled
with what that process has written (`Directory.follow`); viewers do not notice which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

from slipstream.formats import Format, format_named
from slipstream.hub.directory import Directory
from slipstream.hub.notices import Notice, NoticeKind
from slipstream.hub.peers import EndReason, FullError, ViewerPeer, Wake
from slipstream.hub.settings import StreamSettings
from slipstream.hub.totals import Had, Past
from slipstream.log import Log, SyncPoint

if TYPE_CHECKING:
    from slipstream.hub.stream import Stream

FORMAT_UNUSED_S = 30.0  # a format that nobody watched for so long is let go
ROOM_FOR_ALL = 1 << 31  # seats, for those who are there already when a limit is set
MAX_FORMS = 32  # made for viewers; each has a log of its own, and viewers choose


class Tap(Protocol):
    """Another process that follows a format of the stream."""

    def close(self) -> None:
        """The stream is no more."""


class Subscription:
    """One viewer of one stream: waiting until there is something to start with, then served."""

    __slots__ = (
        "_seated",
        "asked_at",
        "asked_for_seat",
        "audience",
        "deadline",
        "delay_ms",
        "ended",
        "form",
        "peer",
        "player",
        "since",
        "started",
        "stream",
    )

    def __init__(
        self,
        audience: Audience,
        form: Format,
        peer: ViewerPeer,
        delay_ms: int,
        player: str,
        now: float,
    ) -> None:
        self.audience = audience
        self.stream = audience.stream
        self.form = form
        self.peer = peer
        self.delay_ms = delay_ms
        self.player = player
        self.since = now
        # Of something that was there; who came before the stream was not kept waiting by us.
        self.asked_at = now if audience.stream.is_live else None
        self.deadline = now + audience.settings.wait_s
        self.started = False
        self.ended = False
        self.asked_for_seat = False
        self._seated = False

    @property
    def is_seated(self) -> bool:
        """Whether the viewer is counted among those that the stream may have."""
        return self._seated or not self.audience.limit

    def seat(self) -> None:
        """There is room for the viewer."""
        self._seated = True

    def close(self) -> None:
        """The viewer has gone; it still knows what it has had."""
        if not self.ended:
            self.ended = True
            self.audience.note_had(self.peer.had())
            self.audience.forget(self, seated=self._seated)

    def end(self, reason: EndReason) -> None:
        """Send the viewer away."""
        if not self.ended:
            self.close()
            self.peer.end(reason)


class Audience:
    """Made by the stream.

    Args:
        stream: what is watched.
        settings: of its application.
        directory: the other processes.
        fill: writes what a new format begins with.
        wake: called when a log has grown.
    """

    def __init__(
        self,
        stream: Stream,
        settings: StreamSettings,
        directory: Directory,
        fill: Callable[[Format], None],
        wake: Wake,
    ) -> None:
        self.stream = stream
        self.settings = settings
        self.subscriptions: dict[Subscription, None] = {}  # an ordered set
        self.past = Past()  # what those have had who have gone
        self.forms: dict[type[Format], Format] = {}
        self.taps: dict[Tap, Format] = {}
        self._publisher_limit = directory.max_viewers(stream.name)
        self._directory = directory
        self._fill = fill
        self._wake = wake
        self._waiting: dict[Subscription, None] = {}
        self._unused_since: dict[type[Format], float] = {}

    def __bool__(self) -> bool:
        """Whether there is anybody."""
        return bool(self.subscriptions)

    @property
    def limit(self) -> int:
        """How many there may be, by the settings and by who publishes; 0: any number."""
        limits = self.settings.max_viewers, self._publisher_limit
        return min(filter(None, limits), default=0)

    @property
    def waits(self) -> bool:
        """Whether anybody waits for a place to start."""
        return bool(self._waiting)

    def subscribe(
        self, form_class: type[Format], peer: ViewerPeer, now: float, delay_ms: int, player: str
    ) -> Subscription:
        """Let a viewer in. It is started now if the stream is on air, else when it is.

        Raises:
            FullError: the stream has all the viewers, or formats, that it may have.
        """
        if form_class not in self.forms and len(self.forms) >= MAX_FORMS:
            reason = f"{self.stream.name} is watched in {MAX_FORMS} formats, the limit"
            self._tell_limit(peer, "formats", reason)
            raise FullError(reason)
        form = self.form(form_class)
        subscription = Subscription(self, form, peer, delay_ms, player, now)
        limit = self.limit
        if limit and self._ask_for_seat(subscription, limit) is False:
            reason = f"{self.stream.name} has {limit} viewers, the limit"
            self._tell_limit(peer, "viewers", reason)
            raise FullError(reason)
        self.subscriptions[subscription] = None
        self._waiting[subscription] = None
        self._start_now(subscription)
        return subscription

    def note_had(self, had: Had) -> None:
        """Count what a viewer has had who goes."""
        self.past.had = Had.all_of((self.past.had, had))

    def reconfigure(self, settings: StreamSettings) -> None:
        """Go on with other settings. Who is there stays, and counts where there is a limit now."""
        self.settings = settings
        self._seat_all(ROOM_FOR_ALL)

    def limit_to(self, max_viewers: int) -> None:
        """Have no more than the publisher may have; 0: any number.

        Who is served stays, and counts; of those who wait as many as there is room for then.
        """
        if max_viewers != self._publisher_limit:
            self._publisher_limit = max_viewers
            self._seat_all(self.limit)

    def forget(self, subscription: Subscription, *, seated: bool) -> None:
        """A viewer has gone."""
        self.subscriptions.pop(subscription, None)
        self._waiting.pop(subscription, None)
        if seated:
            self._directory.leave_seat(self.stream.name, subscription.player)

    def form(self, form_class: type[Format]) -> Format:
        """The stream in this format."""
        form = self.forms.get(form_class)
        if form is None:
            form = self.forms[form_class] = form_class(self.new_log(), self.settings.shape)
            self._fill(form)
            self._directory.follow(self.stream, form, new=True)
        return form

    def new_log(self) -> Log:
        """A log as the application's settings want it."""
        return Log(keep_ms=self.settings.keep_ms, max_bytes=self.settings.max_bytes)

    def begin_publication(self) -> None:
        """What comes from now on is another publication."""
        for form_class in filter(None, map(format_named, self.settings.always)):
            self.form(form_class)
        for form in self.forms.values():
            self._flush(form)
            form.log.mark()

    def end_publication(self) -> None:
        """Nothing more comes for now."""
        for form in self.forms.values():
            self._flush(form)
            form.log.finish()

    def forget_publication(self) -> None:
        """What another process has published is over, and nobody wants it again."""
        for form in self.forms.values():
            form.log.forget_era()

    def tap(self, form_class: type[Format], tap: Tap) -> Format:
        """Have a format kept for another process, until `untap()` or `Tap.close()`."""
        form = self.form(form_class)
        self.taps[tap] = form
        return form

    def untap(self, tap: Tap) -> None:
        """The other process follows no more."""
        self.taps.pop(tap, None)

    def follow(self) -> None:
        """Another process has the publisher: what it writes goes into our logs."""
        for form in self.forms.values():
            self._directory.follow(self.stream, form, new=False)

    def unfollow(self) -> None:
        """No other process has the publisher any more."""
        for form in self.forms.values():
            self._directory.unfollow(form)

    def start_waiting(self, heads: Mapping[Format, int], late_after: float = float("inf")) -> None:
        """Start all who wait at the first place that has come since the logs stood at `heads`.

        Those who have come after the time `late_after` start as if all had been there already.
        """
        for subscription in list(self._waiting):
            head = heads.get(subscription.form)
            if head is None or not subscription.is_seated:
                continue
            syncs = subscription.form.log.sync_points
            sync = next((sync for sync in syncs if sync.position >= head), None)
            if sync is not None and subscription.since > late_after:
                sync = subscription.form.log.sync_point(subscription.delay_ms)
            if sync is not None:
                self._start(subscription, sync)

    def put_off(self, deadline: float) -> None:
        """Who waits may wait until then at least."""
        for subscription in self._waiting:
            subscription.deadline = max(subscription.deadline, deadline)

    def end_waiting(self, now: float, *, is_live: bool) -> None:
        """Send those away who have waited long enough; of a live stream, for what it lacks."""
        reason = EndReason.NO_TRACK if is_live else EndReason.NOT_FOUND
        for subscription in list(self._waiting):
            if now >= subscription.deadline and (not is_live or subscription.form.is_missing):
                subscription.end(reason)

    def end_served(self, reason: EndReason, for_s: float) -> None:
        """Send those away who are served, those behind by their own wish when they have the rest.

        Args:
            reason: told to them.
            for_s: how long nothing has been due to them.
        """
        for subscription in list(self.subscriptions):
            late = for_s * 1000 < subscription.delay_ms and not subscription.peer.has_all()
            if subscription.started and not late:
                subscription.end(reason)

    def end_all(self, reason: EndReason) -> None:
        """Send everybody away."""
        for subscription in list(self.subscriptions):
            subscription.end(reason)

    def close(self) -> None:
        """The stream is no more."""
        self.unfollow()
        for tap in list(self.taps):
            tap.close()
        self.taps.clear()
        self.forms.clear()

    def drop_unused_forms(self, now: float) -> None:
        """Let go of formats that nobody has used for a while."""
        used = {type(subscription.form) for subscription in self.subscriptions}
        used.update(type(form) for form in self.taps.values())
        if self.stream.on_air is not None:
            used.update(filter(None, map(format_named, self.settings.always)))
        for form_class in list(self.forms):
            if form_class in used:
                self._unused_since.pop(form_class, None)
            elif now - self._unused_since.setdefault(form_class, now) >= FORMAT_UNUSED_S:
                self._directory.unfollow(self.forms[form_class])
                del self.forms[form_class], self._unused_since[form_class]

    def waiting(self) -> Iterator[Subscription]:
        """Those who wait for a place to start."""
        return iter(self._waiting)

    def _flush(self, form: Format) -> None:
        """Have a format write what it has held back, if there is memory for it."""
        head = form.log.head
        with suppress(OSError):
            form.flush()
        if form.log.head != head:
            self._wake(form.log, True)

    def _seat_all(self, limit: int) -> None:
        """Count all, if there is a limit now: those who are served first, whatever the limit."""
        if not self.limit:
            return
        for subscription in sorted(self.subscriptions, key=lambda other: not other.started):
            if not subscription.asked_for_seat:
                most = ROOM_FOR_ALL if subscription.started else limit
                if self._ask_for_seat(subscription, most) is False:
                    self._on_seated(subscription, there_is_room=False)

    def _ask_for_seat(self, subscription: Subscription, limit: int) -> bool | None:
        """True or False: there is a seat or none. None: it will turn out."""
        subscription.asked_for_seat = True
        answer = self._directory.take_seat(
            self.stream.name,
            subscription.player,
            limit,
            partial(self._on_seated, subscription),
        )
        if answer:
            subscription.seat()
        return answer

    def _on_seated(self, subscription: Subscription, there_is_room: bool) -> None:
        if not there_is_room:
            self._tell_limit(subscription.peer, "viewers", str(EndReason.FULL))
            subscription.end(EndReason.FULL)
        elif subscription.ended:
            self._directory.leave_seat(self.stream.name, subscription.player)
        else:
            subscription.seat()
            if not subscription.started:
                self._start_now(subscription)

    def _tell_limit(self, peer: ViewerPeer, limit: str, reason: str) -> None:
        """Have it known that somebody could not be let in."""
        notice = Notice(
            NoticeKind.LIMIT,
            stream=self.stream.name,
            id=peer.connection_id,
            address=peer.address,
            protocol=peer.protocol,
            reason=reason,
            detail={"limit": limit},
        )
        self.stream.notices.tell(notice)

    def _start_now(self, subscription: Subscription) -> None:
        """Start a viewer at what there is already, if the stream is on air."""
        log = subscription.form.log
        if self.stream.is_live and log.is_under_way and subscription.is_seated:
            sync = log.sync_point(subscription.delay_ms)
            if sync is not None:
                self._start(subscription, sync)

    def _start(self, subscription: Subscription, sync: SyncPoint) -> None:
        self._waiting.pop(subscription, None)
        subscription.started = True
        subscription.peer.start(subscription.form, sync, self.settings)
