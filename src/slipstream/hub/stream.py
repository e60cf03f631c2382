"""One stream: its publication on air, its logs, and those who watch or wait for it.

A stream outlives its publisher. While nobody is on air its viewers stay where they are in
the logs; the next publication goes on in the same logs, with its configurations again, at
its first keyframe, in steady time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slipstream.formats import Format, Greeting
from slipstream.hub.audience import Audience, Subscription
from slipstream.hub.backlog import Backlog
from slipstream.hub.directory import Directory
from slipstream.hub.peers import BusyError, EndReason, PublisherPeer, ViewerPeer, Wake
from slipstream.hub.publication import Publication
from slipstream.hub.settings import StreamSettings
from slipstream.log import Log
from slipstream.media import Frame, Kind, Timeline, config_role

PICTURELESS_AFTER_MS = 5_000  # of sound since the last picture: newcomers start with sound alone
KIND_ORDER = {Kind.DATA: 0, Kind.AUDIO: 1, Kind.VIDEO: 2}  # of a greeting (players expect it)
_AUDIO, _VIDEO = Kind.AUDIO, Kind.VIDEO  # to reach a member by its class takes 5 times as long


@dataclass(slots=True)
class Totals:
    """What has happened since the start, over all streams."""

    publications: int = 0
    takeovers: int = 0
    subscriptions: int = 0


class Stream:
    """See the module. Made and let go by the hub.

    Args:
        name: `app/name`, already checked.
        settings: of its application.
        wake: called when a log with viewers has grown.
        directory: the other processes.
        totals: counted up.
        now: seconds on the monotonic clock.
    """

    def __init__(
        self,
        name: str,
        settings: StreamSettings,
        wake: Wake,
        directory: Directory,
        totals: Totals,
        now: float,
    ) -> None:
        self.name = name
        self.settings = settings
        self.since = now
        self.on_air: Publication | None = None
        self.coming: Publication | None = None  # allowed, but without its first keyframe yet
        self.is_elsewhere = directory.is_elsewhere(name)  # its publishers are another process's
        self.timeline = Timeline()
        self.greeting: Greeting = ()
        self.pictures = 0
        self.gop_ms = 0  # between the two newest keyframes
        self.went_off_air_at = now
        self._floor_ms = 0  # where the next publication's time has to begin at least
        self._wake = wake
        self._directory = directory
        self._totals = totals
        self._backlog = Backlog(settings.max_bytes)
        self._audio_only = False
        self._picture_ms = 0  # time of the newest picture
        self._sync_ms: int | None = None
        self.audience = Audience(self, settings, directory, self._backlog.fill)

    @property
    def subscriptions(self) -> dict[Subscription, None]:
        """Those who watch or wait, the longest first."""
        return self.audience.subscriptions

    @property
    def is_live(self) -> bool:
        """Whether somebody is on air, here or elsewhere."""
        return self.on_air is not None or self.is_elsewhere

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
        self.timeline.restart(self._floor_ms)
        for form in self.audience.forms.values():
            form.log.mark()
        self.greeting = ()
        self._sync_ms = None
        self._audio_only = publication.audio_only

    def publication_ended(self, publication: Publication, now: float) -> None:
        """Take note that a publisher has gone."""
        if publication is self.coming:
            self.coming = None
        elif publication is self.on_air:
            self.on_air = None
            self._went_off_air(now)
        self.give_back()

    def append(self, frames: Sequence[Frame]) -> None:
        """Add frames of the publication on air to all logs in use.

        Raises:
            OSError: the machine is out of memory.
        """
        pictures = self.pictures
        frames, syncs = self._take_note(self.timeline.steady(frames))
        self._backlog.add(frames, syncs)
        audience = self.audience
        if not audience.forms:  # and so no viewers
            return
        heads = {form: form.log.head for form in audience.forms.values()}
        for form in heads:
            form.append(frames, syncs)
            self._wake(form.log, self._audio_only or self.pictures != pictures)
        if syncs and audience.waits:
            audience.start_waiting(heads)

    # Other processes

    def came_home(self, floor_ms: int) -> None:
        """This process is the stream's home; its time goes on at `floor_ms` at the earliest."""
        self._set_elsewhere(elsewhere=False)
        heads = [form.log.head_ms for form in self.audience.forms.values()]
        self._floor_ms = max(self._floor_ms, floor_ms, *heads)

    def give_back(self) -> None:
        """Tell the others if no publisher is left here."""
        if self.on_air is None and self.coming is None:
            self._directory.release(self.name, max(self.timeline.newest_ms, self._floor_ms))

    def located(self, now: float, *, elsewhere: bool) -> None:
        """Another process has become the stream's home, or is it no more."""
        if elsewhere == self.is_elsewhere or self.on_air or self.coming:
            return
        self._set_elsewhere(elsewhere=elsewhere)
        if not elsewhere:
            self._went_off_air(now)

    def followed(self, form: Format, head: int, *, picture: bool) -> None:
        """What another process writes has come into the log of `form`, which stood at `head`."""
        self._wake(form.log, picture)
        if self.audience.waits:
            self.audience.start_waiting({form: head})

    # Viewers

    def subscribe(
        self, form_class: type[Format], peer: ViewerPeer, now: float, *, delay_ms: int = 0
    ) -> Subscription:
        """Let a viewer in. It is started now if the stream is on air, else when it is.

        Raises:
            FullError: the stream has all the viewers it may have.
        """
        subscription = self.audience.subscribe(form_class, peer, now, delay_ms)
        self._totals.subscriptions += 1
        return subscription

    def new_log(self) -> Log:
        """A log as the application's settings want it."""
        return Log(keep_ms=self.settings.keep_ms, max_bytes=self.settings.max_bytes)

    def forms(self) -> Iterator[Format]:
        """The formats in use, for figures."""
        return iter(self.audience.forms.values())

    def samples(self) -> Iterator[Frame]:
        """What says most about the codecs: each track's configurations and first frame."""
        seen = set()
        for frame in (*self.greeting, *self._backlog.frames):
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
        if not self.is_live and self.coming is None:
            if now - self.went_off_air_at >= self.settings.grace_s:
                self.audience.end(EndReason.UNPUBLISHED, started=True, now=now)
            self.audience.end(EndReason.NOT_FOUND, started=False, now=now)
        self.audience.drop_unused_forms(now)
        return bool(self.on_air or self.coming or self.audience)

    def end(self, reason: EndReason, now: float) -> None:
        """Send everybody away."""
        for publication in (self.on_air, self.coming):
            if publication is not None:
                publication.end(reason, now)
        self.audience.end_all(reason)

    def close(self) -> None:
        """Nobody needs this stream any more."""
        self.audience.close()

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

    def _went_off_air(self, now: float) -> None:
        self.went_off_air_at = now
        self._backlog.clear()
        self.audience.put_off(now + self.settings.wait_s)

    def _set_elsewhere(self, *, elsewhere: bool) -> None:
        if elsewhere != self.is_elsewhere:
            self.is_elsewhere = elsewhere
            if elsewhere:
                self.audience.follow()
            else:
                self.audience.unfollow()


def _greeting_order(frame: Frame) -> tuple[int, int, int]:
    return KIND_ORDER[frame.kind], frame.track, config_role(frame).order
