"""Who of several publishers of one stream is on air, who comes next, who must wait.

Decided when somebody comes, goes, or has a keyframe to begin with: nothing here waits for a
clock's tick, so that a standby goes on air with its first keyframe after the time is up.
Pure: publications are looked at and put in order, never called.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipstream.hub.peers import BusyError, PublisherState, Rank
from slipstream.hub.settings import StreamSettings

if TYPE_CHECKING:
    from slipstream.hub.publication import Publication

MAX_WAITING = 16  # publishers with the right key beside the one on air; each is read and parsed


class Lineup:
    """The publications of one stream; made by the stream.

    Args:
        settings: of its application.
    """

    def __init__(self, settings: StreamSettings) -> None:
        self.on_air: Publication | None = None
        self.slate: Publication | None = None
        self.waiting: list[Publication] = []  # encoders not on air, in the order they are asked
        self.keeps_standbys = settings.on_second_publisher in ("standby", "merge")
        self._refuses_a_second = settings.on_second_publisher == "reject"
        self._standby_after_s = settings.standby_after_s
        self._called: Publication | None = None  # goes on air although another one is

    def reconfigure(self, settings: StreamSettings) -> None:
        """Go on with other settings; the policy stays."""
        self._standby_after_s = settings.standby_after_s

    def __iter__(self) -> Iterator[Publication]:
        """All of them, who is on air first."""
        if self.on_air is not None:
            yield self.on_air
        yield from self.waiting
        if self.slate is not None and self.slate is not self.on_air:
            yield self.slate

    def __bool__(self) -> bool:
        """Whether there is anybody."""
        return self.on_air is not None or bool(self.waiting) or self.slate is not None

    @property
    def encoder_on_air(self) -> bool:
        """Whether somebody is on air who is more than a slate."""
        return self.on_air is not None and self.on_air is not self.slate

    @property
    def coming(self) -> Publication | None:
        """Who goes on air at its next keyframe, as things stand."""
        if self._called is not None or self.encoder_on_air:
            return self._called
        started = [publication for publication in self.waiting if publication.has_start]
        return next(iter(started or self.waiting), None)

    @property
    def max_viewers(self) -> int:
        """How many viewers there may be for whoever is on air, or is next; 0: any number."""
        publication = self.on_air if self.encoder_on_air else self.coming
        return 0 if publication is None else publication.max_viewers

    def state_of(self, publication: Publication) -> PublisherState:
        """What a publication of this lineup is to the stream."""
        if publication is self.slate:
            return PublisherState.SLATE
        if publication is self.on_air:
            return PublisherState.ON_AIR
        if publication.in_step:
            return PublisherState.LINK
        return PublisherState.COMING if publication is self.coming else PublisherState.STANDBY

    # Coming and going

    def check(self, name: str, credential: str, rank: Rank) -> None:
        """See whether somebody may join.

        Raises:
            BusyError: not now.
        """
        if rank is Rank.SLATE:
            if self.encoder_on_air or self.slate is not None:
                raise BusyError(f"{name} is being published")
            return
        encoders = [publication for publication in self if publication is not self.slate]
        if encoders and self._refuses_a_second:
            raise BusyError(f"{name} is being published, and a second publisher is refused")
        if any(encoder.credential != credential for encoder in encoders):
            raise BusyError(f"{name} is being published")
        if len(self.waiting) >= MAX_WAITING:
            raise BusyError(f"{name} is being published, and {MAX_WAITING} stand by, the limit")

    def add(self, publication: Publication) -> list[Publication]:
        """Let a publication in; return those who have to go for it."""
        if publication.rank is Rank.SLATE:
            self.slate = publication
            return []
        if self.keeps_standbys:
            self.waiting.append(publication)
            return []
        gone, self.waiting = self.waiting, [publication]
        self._called = publication if self.encoder_on_air else None
        return gone

    def remove(self, publication: Publication) -> None:
        """A publication has ended; if it was on air, a link that is in step takes its place."""
        if publication in self.waiting:
            self.waiting.remove(publication)
        if publication is self._called:
            self._called = None
        if publication is self.slate:
            self.slate = None
        if publication is self.on_air:
            self.on_air = None
            heir = next((other for other in self.waiting if other.in_step), None)
            if heir is not None:
                self.put_on_air(heir)

    def put_on_air(self, publication: Publication) -> None:
        """Give a publication the first place; whoever had it is in the lineup no more."""
        self.on_air = publication
        if publication in self.waiting:
            self.waiting.remove(publication)
        if publication is self._called:
            self._called = None

    # Whose turn it is

    def may_start(self, publication: Publication, now: float) -> bool:
        """Whether a publication that has a place to start may go on air with it."""
        if publication is self.slate:
            return self.on_air is None
        if not self.encoder_on_air:
            return self._is_next(publication, now)
        if publication is self._called:
            return True
        return (
            self.keeps_standbys
            and self._is_silent_beside(publication, now)
            and self._is_next(publication, now)
        )

    def call(self, publisher_id: str | None, now: float) -> Publication | None:
        """Have a standby go on air at its next keyframe; None if there is no such standby.

        Args:
            publisher_id: of its connection; None: the first one that is ready.
            now: seconds on the monotonic clock.
        """
        for publication in self.waiting:
            named = publication.peer.connection_id == publisher_id
            if not publication.in_step and (
                named or (publisher_id is None and self._is_ready(publication, now))
            ):
                self._called = publication
                return publication
        return None

    def _is_next(self, publication: Publication, now: float) -> bool:
        """Whether nobody who is asked before it could go on air as well."""
        first = [] if self._called is None else [self._called]
        for other in [*first, *self.waiting]:
            if other is publication:
                return True
            if self._is_ready(other, now):
                return False
        return True

    def _is_ready(self, publication: Publication, now: float) -> bool:
        return publication.has_start and now - publication.last_media_at < self._standby_after_s

    def _is_silent_beside(self, standby: Publication, now: float) -> bool:
        """Whether those on air have been silent while the standby was not.

        If both were, it is we who have not read: this process was stopped for a while.
        """
        assert self.on_air is not None
        heard = [self.on_air, *(other for other in self.waiting if other.in_step)]
        last_media_at = max(publication.last_media_at for publication in heard)
        after_s = self._standby_after_s
        return now - last_media_at >= after_s and (
            standby.last_media_at - last_media_at >= after_s / 2
        )
