"""One stream: its publication on air, its logs, and those who watch or wait for it.

A stream outlives its publisher. While nobody is on air its viewers stay where they are in
the logs; the next publication goes on in the same logs, with its configurations again, at
its first keyframe, in steady time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slipstream.formats import Format, Greeting
from slipstream.hub.audience import Audience, Subscription
from slipstream.hub.backlog import Backlog
from slipstream.hub.directory import Claim, Directory
from slipstream.hub.lineup import Lineup
from slipstream.hub.merge import Merge
from slipstream.hub.notes import Notes
from slipstream.hub.notices import Notices, Standing
from slipstream.hub.peers import (
    EndReason,
    PublisherPeer,
    PublisherState,
    Rank,
    ViewerPeer,
    Wake,
)
from slipstream.hub.publication import Publication
from slipstream.hub.settings import StreamSettings
from slipstream.hub.totals import Totals
from slipstream.media import Frame, Kind, Timeline

LINGER_S = 0.5  # so that who waits elsewhere finds the shortest publication


class Stream:
    """See the module. Made and let go by the hub.

    Args:
        name: `app/name`, already checked.
        settings: of its application.
        wake: called when a log with viewers has grown.
        directory: the other processes.
        totals: counted up.
        notices: told when it goes up or down.
        now: seconds on the monotonic clock.
    """

    def __init__(
        self,
        name: str,
        settings: StreamSettings,
        wake: Wake,
        directory: Directory,
        totals: Totals,
        notices: Notices,
        now: float,
    ) -> None:
        self.name = name
        self.settings = settings
        self.since = now
        self.lineup = Lineup(settings)
        self.merge = Merge(totals) if settings.on_second_publisher == "merge" else None
        self.is_elsewhere = directory.is_elsewhere(name)  # its publishers are another process's
        self.timeline = Timeline()
        self.notes = Notes()
        self.went_off_air_at = now
        self._encoder_went_at: float | None = None
        self._last_configs: Greeting = ()
        self._located_at = 0.0  # when another process became the home
        self._floor_ms = 0  # where the next publication's time has to begin at least
        self._wake = wake
        self._directory = directory
        self._totals = totals
        self.notices = notices
        self._standing = Standing(name, notices)
        self._backlog = Backlog(settings.max_bytes)
        self.audience = Audience(self, settings, directory, self._backlog.fill, wake)

    @property
    def subscriptions(self) -> dict[Subscription, None]:
        """Those who watch or wait, the longest first."""
        return self.audience.subscriptions

    @property
    def greeting(self) -> Greeting:
        """The metadata and configurations in force."""
        return self.notes.greeting

    @property
    def gop_ms(self) -> int:
        """From one keyframe to the next, as they were last."""
        return self.notes.gop_ms

    @property
    def is_live(self) -> bool:
        """Whether somebody is on air, here or elsewhere."""
        return self.on_air is not None or self.is_elsewhere

    @property
    def on_air(self) -> Publication | None:
        """Whose frames the stream is."""
        return self.lineup.on_air

    @property
    def coming(self) -> Publication | None:
        """Who is next, at its next keyframe."""
        return self.lineup.coming

    @property
    def on_slate(self) -> bool:
        """Whether viewers get a slate."""
        return self.on_air is not None and self.on_air.rank is Rank.SLATE

    @property
    def last_configs(self) -> Greeting:
        """The metadata and configurations of the newest encoder, be it gone or on air."""
        return self.greeting if self.lineup.encoder_on_air else self._last_configs

    def off_air_s(self, now: float) -> float | None:
        """For how long viewers have been without an encoder; None if nobody misses one."""
        watched = bool(self.audience or self.audience.taps)
        if self.is_elsewhere or self.lineup.encoder_on_air or not watched:
            return None
        return None if self._encoder_went_at is None else now - self._encoder_went_at

    # Publishers

    def publications(self) -> list[Publication]:
        """All publishers, who is on air first; each knows its `state`."""
        return list(self.lineup)

    def publish(
        self,
        peer: PublisherPeer,
        credential: str,
        now: float,
        rank: Rank = Rank.ENCODER,
        max_viewers: int = 0,
    ) -> Publication:
        """Let a publisher in; it goes on air at its first keyframe, if it does not stand by.

        Raises:
            BusyError: somebody else publishes who does not make way.
        """
        self.lineup.check(self.name, credential, rank)
        self._totals.publications += 1
        link = self.merge.join(now) if self.merge is not None and rank is Rank.ENCODER else None
        publication = Publication(self, peer, credential, rank, link, now, max_viewers)
        publication.stood_by = self.lineup.keeps_standbys and self.lineup.encoder_on_air
        for old in self.lineup.add(publication):
            old.end(EndReason.TAKEN_OVER, now)
        self._limit_viewers()
        return publication

    def may_start(self, publication: Publication, now: float) -> bool:
        """Whether a publication that is not on air may begin with what it has just sent."""
        merge, link = self.merge, publication.link
        if merge is not None and link is not None and merge.may_fit(link, now):
            return False
        return self.lineup.may_start(publication, now)

    def put_on_air(self, publication: Publication, now: float) -> None:
        """From now on this publication's frames are the stream."""
        self._replace(publication, now)
        self.timeline.restart(self._floor_ms)
        self.audience.put_off(now + self.settings.wait_s)
        self.audience.begin_publication()
        self.notes.begin(audio_only=publication.audio_only)
        if self.merge is not None:
            if publication.link is None:
                self.merge.forget()
            else:
                self.merge.begin(publication.link, now)
        publication.stepped = publication.in_step
        self._place_on_air(publication)

    def step_changed(self, publication: Publication) -> None:
        """It has turned out that a link brings what is on air, or that it does not."""
        if publication.in_step:
            if self.on_air is None:  # cut, and continued by another link where it was cut
                self.lineup.put_on_air(publication)
                self._place_on_air(publication)
            elif not publication.on_air:
                publication.peer.placed(PublisherState.LINK)
            return
        if publication.on_air:
            self.lineup.remove(publication)
            self.lineup.waiting.append(publication)
            if self.on_air is not None:
                self._place_on_air(self.on_air)
        publication.stand_by(self.greeting)

    def switch(self, publisher_id: str | None, now: float) -> Publication | None:
        """Have a standby go on air at its next keyframe; the one on air goes on until then.

        Args:
            publisher_id: of its connection; None: the first one that is ready.
            now: seconds on the monotonic clock.

        Returns:
            The standby, or None if there is no such one.
        """
        return self.lineup.call(publisher_id, now)

    def publication_ended(self, publication: Publication, now: float) -> None:
        """Take note that a publisher has gone."""
        self.audience.past.received_bytes += publication.bytes_received
        was_on_air = publication is self.on_air
        self.lineup.remove(publication)
        if publication.link is not None and self.merge is not None:
            self.merge.leave(publication.link)
        if was_on_air and self.on_air is not None:
            self._place_on_air(self.on_air)
        elif was_on_air:
            if publication.rank is Rank.ENCODER:
                self._encoder_went_at = now
                self._last_configs = self.greeting
            self._went_off_air(now)
        if not self.lineup.encoder_on_air:
            self._standing.set(publication.peer, up=False)
        self._limit_viewers()
        self.give_back()

    def append(self, frames: Sequence[Frame]) -> None:
        """Add frames of the publication on air to all logs in use.

        Raises:
            OSError: the machine is out of memory.
        """
        notes = self.notes
        pictures = notes.pictures
        frames, syncs = notes.take(self.timeline.steady(frames))
        self._backlog.add(frames, syncs)
        audience = self.audience
        if not audience.forms:  # and so no viewers
            return
        heads = {form: form.log.head for form in audience.forms.values()}
        for form in heads:
            form.append(frames, syncs)
            self._wake(form.log, notes.audio_only or notes.pictures != pictures)
        if audience.waits:
            audience.start_waiting(heads)

    # Other processes

    def came_home(self, claim: Claim) -> None:
        """Be the stream's home from now on."""
        if self.is_elsewhere and self.merge is not None:
            self.merge.forget()
        self._set_elsewhere(elsewhere=False)
        self._floor_ms = max(self.head_ms, claim.floor_ms)
        if not self.lineup:
            self.audience.forget_publication()  # nobody gets again what another home had
        for wanted in claim.wanted:
            self.audience.form(wanted)

    def give_back(self) -> None:
        """Tell the others if no publisher is left here."""
        if not self.lineup:
            self._directory.release(self.name, self.head_ms)

    @property
    def head_ms(self) -> int:
        """The newest time that anybody here has seen."""
        heads = [form.log.head_ms for form in self.audience.forms.values()]
        return max(self.timeline.newest_ms, self._floor_ms, *heads)

    def hand_over(self, credential: str, now: float) -> str:
        """End all publishers, for one elsewhere with this credential; return why not, if not."""
        publications = self.publications()
        if any(p.credential != credential for p in publications if p.rank is Rank.ENCODER):
            return f"{self.name} is being published"
        for publication in publications:
            publication.end(EndReason.TAKEN_OVER, now)
        return ""

    def located(self, now: float, *, elsewhere: bool) -> None:
        """Another process has become the stream's home, or is it no more."""
        if elsewhere == self.is_elsewhere or self.lineup:
            return
        self._located_at = now
        self.audience.put_off(now + self.settings.wait_s)
        self._set_elsewhere(elsewhere=elsewhere)
        if not elsewhere:
            self.audience.follow()
            self._encoder_went_at = now
            self._went_off_air(now)

    def followed(self, form: Format, head: int, picture: bool, older: bool) -> None:
        """What another process writes has come into a log.

        Args:
            form: whose log it is.
            head: where it stood before.
            picture: whether there is a picture in it.
            older: whether some of it is from before it was followed.
        """
        self._wake(form.log, picture)
        if self.audience.waits:
            late_after = self._located_at if older else float("inf")
            self.audience.start_waiting({form: head}, late_after)

    # Viewers

    def subscribe(
        self,
        form_class: type[Format],
        peer: ViewerPeer,
        now: float,
        *,
        delay_ms: int = 0,
        player: str = "",
    ) -> Subscription:
        """Let a viewer in. It is started now if the stream is on air, else when it is.

        Raises:
            FullError: the stream has all the viewers it may have.
        """
        subscription = self.audience.subscribe(form_class, peer, now, delay_ms, player)
        self._totals.subscriptions += 1
        return subscription

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

    def newest_start(self) -> Sequence[Frame]:
        """The frame that a newcomer would start with, behind its greeting; nothing if none is."""
        return self._backlog.beginning()

    # Time

    def tick(self, now: float) -> bool:
        """Do what is due, once a second or so. False: nobody needs this stream any more."""
        for publication in self.publications():
            publication.measure(now, self.notes.pictures)
            if now - publication.last_media_at >= self.settings.idle_s:
                publication.end(EndReason.SILENT, now)
        if not self.is_live and not self.lineup.waiting:
            for_s = now - self.went_off_air_at - self.settings.grace_s
            if for_s >= 0:
                self.audience.end_served(EndReason.UNPUBLISHED, for_s)
        if self.is_live or not self.lineup.waiting:
            self.audience.end_waiting(now, is_live=self.is_live)
        self.audience.drop_unused_forms(now)
        lingers = self.audience.forms and now - self.went_off_air_at < LINGER_S
        return bool(self.lineup or self.audience or lingers)

    def end(self, reason: EndReason, now: float) -> None:
        """Send everybody away."""
        for publication in reversed(self.publications()):  # so that nobody takes a place
            publication.end(reason, now)
        self.audience.end_all(reason)

    def close(self) -> None:
        """Nobody needs this stream any more."""
        self._totals.add(self.name, self.audience.past)
        self.audience.close()
        self._directory.forget(self.name)

    # Inside

    def _replace(self, publication: Publication, now: float) -> None:
        """Give a publication the place on air; see what becomes of whoever had it."""
        lineup, slate = self.lineup, self.lineup.slate
        old = self.on_air if lineup.encoder_on_air else None
        beside = [other for other in lineup.waiting if other.in_step]
        lineup.put_on_air(publication)
        if publication.rank is Rank.ENCODER and slate is not None:
            slate.end(EndReason.RELIEVED, now)
        if publication.stood_by:
            self._totals.switches += 1
        for other in lineup.waiting:
            other.stood_by = True
        if old is None:
            return
        if lineup.keeps_standbys:
            lineup.waiting.append(old)
            for other in (old, *beside):
                other.stand_by(self.greeting)
        else:
            self._totals.takeovers += 1
            old.end(EndReason.TAKEN_OVER, now)

    def _place_on_air(self, publication: Publication) -> None:
        publication.on_air = True
        slate = publication.rank is Rank.SLATE
        publication.peer.placed(PublisherState.SLATE if slate else PublisherState.ON_AIR)
        self._limit_viewers()
        if not slate:
            self._standing.set(publication.peer, up=True)

    def _limit_viewers(self) -> None:
        """Have as many viewers as whoever publishes may have, in all processes."""
        self.audience.limit_to(self.lineup.max_viewers)
        self._directory.limit_viewers(self.name, self.lineup.max_viewers)

    def _went_off_air(self, now: float) -> None:
        self.went_off_air_at = now
        self._backlog.clear()
        self.audience.end_publication()
        self.audience.put_off(now + self.settings.wait_s)

    def _set_elsewhere(self, *, elsewhere: bool) -> None:
        if elsewhere != self.is_elsewhere:
            self.is_elsewhere = elsewhere
            if elsewhere:
                self.audience.follow()
            else:
                self.audience.unfollow()
