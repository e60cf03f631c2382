"""The hub's directory in a server of several workers: asks the supervisor, follows other homes."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count

import structlog

from slipstream.formats import Format, format_named
from slipstream.hub import Claim, Hub, Stream
from slipstream.workers.feed import Feed, Feeds
from slipstream.workers.follower import Follower
from slipstream.workers.line import Line
from slipstream.workers.messages import (
    Claimed,
    ClaimHome,
    Follow,
    Forget,
    Homes,
    LeaveSeat,
    Limit,
    Located,
    Lost,
    Release,
    Seated,
    Since,
    TakeSeat,
    Want,
    Yield,
    Yielded,
)
from slipstream.workers.messages import Feed as FeedWanted
from slipstream.workers.packets import Packet

log = structlog.get_logger()

SETTLE_S = 0.5  # that a stream has a home at least
REFOLLOW_S = 0.2  # after a home has hung up although it is the home still


class WorkerDirectory:
    """The hub's `Directory`. `attach()` the hub before the line starts.

    Args:
        number: of this worker.
        line: to the supervisor.
        feeds: of this worker.
        loop: of this worker.
    """

    def __init__(
        self, number: int, line: Line, feeds: Feeds, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.homes: dict[str, int] = {}  # of all streams that have one
        self.seats: dict[str, Counter[str]] = {}  # taken by viewers of this worker, by player
        self.limits: dict[str, int] = {}  # of viewers, of streams that have one by their publisher
        self.held: set[str] = set()  # streams that the supervisor thinks we have something of
        self.settle_s = SETTLE_S
        self._claimed_at: dict[str, float] = {}
        self._settling: dict[str, int] = {}  # streams to be released soon, and how far they are
        self._number = number
        self._line = line
        self._feeds = feeds
        self._loop = loop
        self._tickets = count(1)
        self._claims: dict[int, tuple[ClaimHome, Callable[[Claim], None]]] = {}
        self._seatings: dict[int, tuple[TakeSeat, Callable[[bool], None]]] = {}
        self._followers: dict[Format, Follower] = {}
        line.on(Homes, self._on_homes)
        line.on(Located, self._on_located)
        line.on(Claimed, self._on_claimed)
        line.on(FeedWanted, self._on_feed_wanted)
        line.on(Yield, self._on_yield)
        line.on(Seated, self._on_seated)
        line.on(Limit, self._on_limit)
        line.on_connected(self._ask_again)

    def attach(self, hub: Hub) -> None:
        """Tell the hub what happens elsewhere."""
        self._hub = hub

    # Homes

    def claim(self, name: str, credential: str, then: Callable[[Claim], None]) -> None:
        """Ask the supervisor, unless we are the home already."""
        if self.homes.get(name) == self._number:
            then(Claim(None, self._settling.get(name, 0)))
            return
        message = ClaimHome(next(self._tickets), name, credential)
        self._claims[message.ticket] = message, then
        self._line.send(message)

    def release(self, name: str, head_ms: int) -> None:
        """Tell the supervisor, if we were the home.

        Not before those who waited elsewhere could find us, be the publication ever so short.
        """
        if self.homes.get(name) == self._number:
            self._flush(name)  # so that all see at once that nobody is on air
            young = self._loop.time() - self._claimed_at.get(name, 0.0) < self.settle_s
            if young:
                self._settling[name] = max(head_ms, self._settling.get(name, 0))
                self._loop.call_later(self.settle_s, self._release, name, head_ms)
            else:
                self._release(name, head_ms)

    def _release(self, name: str, head_ms: int) -> None:
        head_ms = max(head_ms, self._settling.pop(name, 0))
        stream = self._hub.streams.get(name)
        published = stream is not None and stream.publications()
        if self.homes.get(name) == self._number and not published:
            del self.homes[name]
            self._claimed_at.pop(name, None)
            if stream is not None:
                stream.audience.follow()  # the next home, which must know before there is one
            self._line.send(Release(name, head_ms))
            if stream is None:
                self._line.send(Forget(name))

    def _flush(self, name: str) -> None:
        stream = self._hub.streams.get(name)
        if stream is not None:
            for form in stream.forms():
                self._feeds.flush(form.log)

    def forget(self, name: str) -> None:
        """Tell the supervisor, if it thinks that we have something of it."""
        if name in self.held:
            self.held.discard(name)
            self._line.send(Forget(name))

    def is_elsewhere(self, name: str) -> bool:
        """Whether another worker is the home."""
        return self.homes.get(name, self._number) != self._number

    def own_homes(self) -> list[str]:
        """The streams of which this worker is the home."""
        return [name for name, home in self.homes.items() if home == self._number]

    def held_forms(self) -> dict[str, list[str]]:
        """The formats in which there is anything of streams that others may publish next."""
        streams = filter(None, map(self._hub.streams.get, self.held))
        return {stream.name: [form.name for form in stream.forms()] for stream in streams}

    # Following

    def follow(self, stream: Stream, form: Format, *, new: bool) -> None:
        """Ask the home for its log; if there is none, have the next one ready for us."""
        if self.is_elsewhere(stream.name):
            self._follow(stream, form, Since.ENTRY if new else Since.BEGINNING)
        elif stream.name not in self.homes:
            self.held.add(stream.name)
            self._line.send(Want(stream.name, form.name))

    def _follow(self, stream: Stream, form: Format, since: Since) -> None:
        if form in self._followers or not self.is_elsewhere(stream.name):
            return
        if since is not Since.BREAK:
            form.log.finish()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        follower = Follower(
            ours,
            form.log,
            self._loop,
            grown=partial(stream.followed, form),
            ended=partial(self._on_follower_ended, stream, form),
        )
        self._followers[form] = follower
        follower.start()
        self.held.add(stream.name)
        self._line.send(Follow(stream.name, form.name, since), fd=theirs.fileno())
        theirs.close()

    def unfollow(self, form: Format) -> None:
        """Take what has been announced, then hang up."""
        follower = self._followers.pop(form, None)
        if follower is not None:
            follower.close()

    def _on_follower_ended(self, stream: Stream, form: Format) -> None:
        """The home has hung up: it died, or has let the stream go, or we were too slow."""
        if self._followers.pop(form, None) is not None:
            self._loop.call_later(REFOLLOW_S, self._follow_again, stream, form)

    def _follow_again(self, stream: Stream, form: Format) -> None:
        still_used = stream.audience.forms.get(type(form)) is form
        if still_used and self._hub.streams.get(stream.name) is stream:
            self._follow(stream, form, Since.BREAK)

    # Seats

    def limit_viewers(self, name: str, max_viewers: int) -> None:
        """Tell the supervisor, if it is news."""
        if self.homes.get(name) == self._number and self._note_limit(name, max_viewers):
            self._line.send(Limit(name, max_viewers))

    def max_viewers(self, name: str) -> int:
        """As the home has said."""
        return self.limits.get(name, 0)

    def own_limits(self) -> dict[str, int]:
        """Those of streams of which this worker is the home."""
        return {name: self.limits[name] for name in self.own_homes() if name in self.limits}

    def _note_limit(self, name: str, max_viewers: int) -> bool:
        """Whether it is news."""
        before = self.limits.pop(name, 0)
        if max_viewers:
            self.limits[name] = max_viewers
        return before != max_viewers

    def take_seat(
        self, name: str, player: str, limit: int, then: Callable[[bool], None]
    ) -> bool | None:
        """Ask the supervisor."""
        message = TakeSeat(next(self._tickets), name, limit, player)
        self._seatings[message.ticket] = message, then
        self._line.send(message)
        return None

    def leave_seat(self, name: str, player: str) -> None:
        """Tell the supervisor."""
        seats = self.seats[name]
        seats[player] -= 1
        if not seats[player]:
            del seats[player]
        if not seats:
            del self.seats[name]
        self._line.send(LeaveSeat(name, player))

    # What the supervisor says

    def _ask_again(self) -> None:
        """What the last supervisor took with it."""
        for claim, _ in self._claims.values():
            self._line.send(claim)
        for wish, _ in self._seatings.values():
            self._line.send(wish)
        for name in self.held - set(self.homes):
            stream = self._hub.streams.get(name)
            if stream is not None:
                stream.audience.follow()

    def _on_homes(self, message: Homes, _: Packet) -> None:
        ours = dict.fromkeys(self.own_homes(), self._number)
        gone = set(self.homes) - set(message.homes) - set(ours)
        for name in gone:
            self._locate(name, 0)
        for name, home in message.homes.items():
            if name not in ours:
                self._locate(name, home)
                self._limit(name, message.limits.get(name, 0))

    def _on_located(self, message: Located, _: Packet) -> None:
        self._locate(message.name, message.home)

    def _locate(self, name: str, home: int) -> None:
        before = self.homes.get(name, 0)
        if home:
            self.homes[name] = home
        else:
            self.homes.pop(name, None)
        if before == home:
            return
        self._limit(name, 0)
        now = self._loop.time()
        if before not in (0, self._number):
            self._hub.located(name, now, elsewhere=False)
        if home not in (0, self._number):
            self._hub.located(name, now, elsewhere=True)
        elif name in self.held and not home:
            self._line.send(Lost(name, self._hub.head_ms(name)))

    def _on_limit(self, message: Limit, _: Packet) -> None:
        self._limit(message.name, message.max_viewers)

    def _limit(self, name: str, max_viewers: int) -> None:
        if self._note_limit(name, max_viewers):
            self._hub.limited(name, max_viewers)

    def _on_claimed(self, message: Claimed, _: Packet) -> None:
        claim, then = self._claims.pop(message.ticket, (None, None))
        if claim is None or then is None:
            return
        if message.refusal or message.home:
            then(Claim(message.home or None, message.floor_ms, message.refusal))
            return
        self._locate(claim.name, self._number)
        self._claimed_at[claim.name] = self._loop.time()
        self.held.add(claim.name)
        wanted = list(filter(None, map(format_named, message.wanted)))
        then(Claim(None, message.floor_ms, wanted=wanted))

    def _on_feed_wanted(self, message: FeedWanted, packet: Packet) -> None:
        sock = socket.socket(fileno=packet.fd)
        form_class = format_named(message.form)
        stream = self._hub.streams.get(message.name)
        if form_class is None or stream is None:
            sock.close()  # the follower sees it, and asks again if it still wants to
            return
        audience = stream.audience
        form = audience.form(form_class)

        def closed(feed: Feed) -> None:
            self._feeds.remove(feed)
            audience.untap(feed)

        feed = Feed(sock, form.log, self._loop, closed, since=Since(message.since))
        audience.tap(form_class, feed)
        self._feeds.add(feed)

    def _on_yield(self, message: Yield, _: Packet) -> None:
        head_ms, refusal = self._hub.hand_over(message.name, message.credential, self._loop.time())
        if not refusal:
            self.homes.pop(message.name, None)
            stream = self._hub.streams.get(message.name)
            if stream is not None:
                stream.audience.follow()
        self._line.send(Yielded(message.name, head_ms, refusal))

    def _on_seated(self, message: Seated, _: Packet) -> None:
        wish, then = self._seatings.pop(message.ticket, (None, None))
        if wish is None or then is None:
            return
        if message.room:
            self.seats.setdefault(wish.name, Counter())[wish.player] += 1
        then(message.room)
