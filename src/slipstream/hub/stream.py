"""One stream: its publication on air, its logs, and those who watch or wait for it.

A stream outlives its publisher. While nobody is on air its viewers stay where they are in
the logs; the next publication goes on in the same logs, with its configurations again, at
its first keyframe, in steady time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from slipstream.formats import Format, Greeting
from slipstream.hub.peers import BusyError, EndReason, FullError, PublisherPeer, ViewerPeer, Wake
from slipstream.hub.publication import Publication
from slipstream.hub.settings import StreamSettings
from slipstream.log import Log, SyncPoint
from slipstream.media import Frame, Kind, Timeline, config_role

PICTURELESS_AFTER_MS = 5_000  # of sound since the last picture: newcomers start with sound alone
FORMAT_UNUSED_S = 30.0  # a format that nobody watched for so long is let go
KIND_ORDER = {Kind.DATA: 0, Kind.AUDIO: 1, Kind.VIDEO: 2}  # of a greeting (players expect it)
_AUDIO, _VIDEO = Kind.AUDIO, Kind.VIDEO  # to reach a member by its class takes 5 times as long


@dataclass(slots=True)
class Totals:
    """What has happened since the start, over all streams."""

    publications: int = 0
    takeovers: int = 0
    subscriptions: int = 0


class Subscription:
    """One viewer of one stream: waiting until there is something to start with, then served."""

    __slots__ = ("deadline", "ended", "form", "peer", "since", "started", "stream")

    def __init__(self, stream: Stream, form: Format, peer: ViewerPeer, now: float) -> None:
        self.stream = stream
        self.form = form
        self.peer = peer
        self.since = now
        self.deadline = now + stream.settings.wait_s
        self.started = False
        self.ended = False

    def close(self) -> None:
        """The viewer has gone."""
        if not self.ended:
            self.ended = True
            self.stream.subscriptions.pop(self, None)

    def end(self, reason: EndReason) -> None:
        """Send the viewer away."""
        if not self.ended:
            self.close()
            self.peer.end(reason)


class Stream:
    """See the module. Made and let go by the hub.

    Args:
        name: `app/name`, already checked.
        settings: of its application.
        wake: called when a log with viewers has grown.
        totals: counted up.
        now: seconds on the monotonic clock.
    """

    def __init__(
        self, name: str, settings: StreamSettings, wake: Wake, totals: Totals, now: float
    ) -> None:
        self.name = name
        self.settings = settings
        self.since = now
        self.on_air: Publication | None = None
        self.coming: Publication | None = None  # allowed, but without its first keyframe yet
        self.subscriptions: dict[Subscription, None] = {}  # an ordered set
        self.timeline = Timeline()
        self.greeting: Greeting = ()
        self.pictures = 0
        self.gop_ms = 0  # between the two newest keyframes
        self.went_off_air_at = now
        self._wake = wake
        self._totals = totals
        self._forms: dict[type[Format], Format] = {}
        self._unused_since: dict[type[Format], float] = {}
        self._backlog: list[Frame] = []  # what a format that is asked for now starts with
        self._backlog_bytes = 0
        self._backlog_syncs: list[tuple[int, Greeting]] = []
        self._audio_only = False
        self._picture_ms = 0  # time of the newest picture
        self._sync_ms: int | None = None
        self._waiting: dict[Subscription, None] = {}

    # Publishers

    def publish(self, peer: PublisherPeer, credential: str, now: float) -> Publication:
        """Let a publisher in; it takes the stream over at its first keyframe.

        Raises:
            BusyError: somebody else publishes, and `credential` is not theirs.
        """
        rivals = [p for p in (self.on_air, self.coming) if p is not None]
        if any(rival.credential != credential for rival in rivals):
            raise BusyError(f"{self.name} is being published")
        self._totals.publications += 1
        publication = Publication(self, peer, credential, now)
        old, self.coming = self.coming, publication
        if old is not None:
            old.end(EndReason.TAKEN_OVER, now)
        return publication

    def put_on_air(self, publication: Publication) -> None:
        """From now on this publication's frames are the stream."""
        old, self.on_air, self.coming = self.on_air, publication, None
        if old is not None:
            self._totals.takeovers += 1
            old.end(EndReason.TAKEN_OVER, publication.last_media_at)
        self.timeline.restart()
        self.greeting = ()
        self._sync_ms = None
        self._audio_only = publication.audio_only
        for subscription in self.subscriptions:
            if not subscription.started:
                self._waiting[subscription] = None

    def publication_ended(self, publication: Publication, now: float) -> None:
        """Take note that a publisher has gone."""
        if publication is self.coming:
            self.coming = None
        elif publication is self.on_air:
            self.on_air = None
            self.went_off_air_at = now
            self._backlog.clear()
            self._backlog_syncs.clear()
            self._backlog_bytes = 0
            for subscription in self._waiting:
                subscription.deadline = max(subscription.deadline, now + self.settings.wait_s)

    def append(self, frames: Sequence[Frame]) -> None:
        """Add frames of the publication on air to all logs in use.

        Raises:
            OSError: the machine is out of memory.
        """
        pictures = self.pictures
        frames, syncs = self._take_note(self.timeline.steady(frames))
        self._keep_backlog(frames, syncs)
        if not self._forms:  # and so no viewers
            return
        heads = {form: form.log.head for form in self._forms.values()}
        for form in heads:
            form.append(frames, syncs)
            self._wake(form.log, self._audio_only or self.pictures != pictures)
        if syncs and self._waiting:
            self._start_waiting(heads)

    # Viewers

    def subscribe(self, form_class: type[Format], peer: ViewerPeer, now: float) -> Subscription:
        """Let a viewer in. It is started now if the stream is on air, else when it is.

        Raises:
            FullError: the stream has all the viewers it may have.
        """
        limit = self.settings.max_viewers
        if limit and len(self.subscriptions) >= limit:
            raise FullError(f"{self.name} has {limit} viewers, the limit")
        self._totals.subscriptions += 1
        form = self._form(form_class)
        subscription = Subscription(self, form, peer, now)
        self.subscriptions[subscription] = None
        self._waiting[subscription] = None
        if self.on_air is not None and form.log.sync_points:
            self._start(subscription, form.log.sync_points[-1])
        return subscription

    def forms(self) -> Iterator[Format]:
        """The formats in use, for figures."""
        return iter(self._forms.values())

    def samples(self) -> Iterator[Frame]:
        """What says most about the codecs: each track's configurations and first frame."""
        seen = set()
        for frame in (*self.greeting, *self._backlog):
            if frame.kind != Kind.DATA and (frame.config, frame.kind, frame.track) not in seen:
                seen.add((frame.config, frame.kind, frame.track))
                yield frame

    # Time

    def tick(self, now: float) -> bool:
        """Do what is due, once a second or so. False: nobody needs this stream any more."""
        for publication in (self.on_air, self.coming):
            if publication is not None:
                publication.measure(now, self.pictures)
                if now - publication.last_media_at >= self.settings.idle_s:
                    publication.end(EndReason.SILENT, now)
        if self.on_air is None and self.coming is None:
            if now - self.went_off_air_at >= self.settings.grace_s:
                self._end_viewers(EndReason.UNPUBLISHED, started=True, now=now)
            self._end_viewers(EndReason.NOT_FOUND, started=False, now=now)
        self._drop_unused_forms(now)
        return bool(self.on_air or self.coming or self.subscriptions)

    def end(self, reason: EndReason, now: float) -> None:
        """Send everybody away."""
        for publication in (self.on_air, self.coming):
            if publication is not None:
                publication.end(reason, now)
        for subscription in list(self.subscriptions):
            subscription.end(reason)

    # Inside

    def _take_note(
        self, frames: Sequence[Frame]
    ) -> tuple[Sequence[Frame], list[tuple[int, Greeting]]]:
        """Keep greeting and sync points up to date; leave out configurations merely repeated."""
        syncs: list[tuple[int, Greeting]] = []
        repeated: list[int] = []
        for index, frame in enumerate(frames):
            if frame.config:
                if not self._remember(frame):
                    repeated.append(index)
            elif frame.kind is _VIDEO:
                if frame.track == 0:
                    self.pictures += 1
                    self._picture_ms = frame.dts_ms
                    if frame.keyframe:
                        self._audio_only = False
                        self._note_keyframe(frame.dts_ms)
                        syncs.append((index - len(repeated), self.greeting))
            elif self._audio_only and frame.kind is _AUDIO:
                syncs.append((index - len(repeated), self.greeting))
        if repeated:
            frames = [frame for index, frame in enumerate(frames) if index not in repeated]
        if frames and frames[-1].dts_ms - self._picture_ms > PICTURELESS_AFTER_MS:
            self._audio_only = True
        return frames, syncs

    def _remember(self, config: Frame) -> bool:
        """Put a configuration into the greeting. False if it is there already."""
        role = config_role(config)
        others = []
        for frame in self.greeting:
            if config_role(frame) != role:
                others.append(frame)
            elif frame.body == config.body:
                return False
        self.greeting = (*sorted((*others, config), key=_greeting_order),)
        return True

    def _note_keyframe(self, dts_ms: int) -> None:
        if self._sync_ms is not None:
            self.gop_ms = dts_ms - self._sync_ms
        self._sync_ms = dts_ms

    def _keep_backlog(self, frames: Sequence[Frame], syncs: list[tuple[int, Greeting]]) -> None:
        if syncs:
            index, greeting = syncs[-1]
            frames = frames[index:]
            self._backlog = list(frames)
            self._backlog_syncs = [(0, greeting)]
            self._backlog_bytes = 0
        elif self._backlog_syncs:
            self._backlog.extend(frames)
        else:
            return
        for frame in frames:
            self._backlog_bytes += len(frame.body)
        if self._backlog_bytes > self.settings.max_bytes:
            self._backlog.clear()
            self._backlog_syncs.clear()

    def _form(self, form_class: type[Format]) -> Format:
        form = self._forms.get(form_class)
        if form is None:
            log = Log(keep_ms=self.settings.keep_ms, max_bytes=self.settings.max_bytes)
            form = self._forms[form_class] = form_class(log)
            if self._backlog:
                form.append(self._backlog, self._backlog_syncs)
        return form

    def _start_waiting(self, heads: Mapping[Format, int]) -> None:
        """Start all who wait at the first place that has just come: they were there before it."""
        for subscription in list(self._waiting):
            if subscription.ended:
                del self._waiting[subscription]
                continue
            log, head = subscription.form.log, heads[subscription.form]
            sync = next((sync for sync in log.sync_points if sync.position >= head), None)
            if sync is not None:
                self._start(subscription, sync)

    def _start(self, subscription: Subscription, sync: SyncPoint) -> None:
        self._waiting.pop(subscription, None)
        subscription.started = True
        subscription.peer.start(subscription.form, sync, self.settings)

    def _end_viewers(self, reason: EndReason, *, started: bool, now: float) -> None:
        for subscription in list(self.subscriptions):
            due = started or now >= subscription.deadline
            if subscription.started is started and due:
                subscription.end(reason)

    def _drop_unused_forms(self, now: float) -> None:
        used = {type(subscription.form) for subscription in self.subscriptions}
        for form_class in list(self._forms):
            if form_class in used:
                self._unused_since.pop(form_class, None)
            elif now - self._unused_since.setdefault(form_class, now) >= FORMAT_UNUSED_S:
                del self._forms[form_class], self._unused_since[form_class]


def _greeting_order(frame: Frame) -> tuple[int, int, int]:
    return KIND_ORDER[frame.kind], frame.track, config_role(frame).order
