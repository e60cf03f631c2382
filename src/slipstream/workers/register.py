"""The supervisor's tables: which worker is the home of which stream, and who waits for what.

It reads and writes no socket: packets go in with the number of their worker, packets for
workers come out through `send`. Time is an argument.

All publishers of a stream are in one worker. A stream keeps its time when its home changes:
the next home is told where it must go on (`Claimed.floor_ms`). When a home died, those who
follow its streams are asked how far they had come before the next claim is granted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from slipstream.workers.messages import (
    Answer,
    Answered,
    Ask,
    Claimed,
    ClaimHome,
    Feed,
    Follow,
    Forget,
    Hello,
    Homes,
    LeaveSeat,
    Limit,
    Load,
    Located,
    Lost,
    Message,
    Move,
    Moved,
    Question,
    Release,
    Seated,
    TakeSeat,
    Want,
    WrongKey,
    Yield,
    Yielded,
)
from slipstream.workers.packets import Packet
from slipstream.workers.seats import NAMELESS, Seats

ANSWER_S = 1.0  # how long a worker may take to answer; who does not is left out
NOBODY = 0  # no worker has this number

Send = Callable[[int, Message, bytes, int], None]


@dataclass(slots=True)
class _Claim:
    worker: int
    ticket: int
    credential: str


@dataclass(slots=True)
class _Entry:
    """What is known of one stream."""

    home: int = NOBODY
    max_viewers: int = 0  # by who publishes it there
    floor_ms: int = 0
    holders: dict[int, set[str]] = field(default_factory=dict)  # who has something, and its formats
    unheard: set[int] = field(default_factory=set)  # those that must say how far they had come
    unheard_until: float = 0.0
    claims: list[_Claim] = field(default_factory=list)  # that wait
    yielding: bool = False  # the home has been asked to give it up
    seats: Seats = field(default_factory=Seats)

    @property
    def is_needless(self) -> bool:
        return not (self.home or self.holders or self.claims or self.seats)

    def hold(self, number: int, *forms: str) -> None:
        """A worker has something of it, in these formats at least."""
        self.holders.setdefault(number, set()).update(forms)

    def take_wanted(self) -> set[str]:
        """The formats that the next home is to have ready; who follows it says so again."""
        wanted = set().union(*self.holders.values())
        for forms in self.holders.values():
            forms.clear()
        return wanted


@dataclass(slots=True)
class _Inquiry:
    asker: int
    ticket: int
    awaited: set[int]
    until: float
    asked: int
    values: list[Any] = field(default_factory=list)


class Register:
    """Call `joined()` for a worker's first message, `handle()` for all others, `left()` at its end.

    Args:
        send: sends a message, with a body and a descriptor (-1: none) that stays the caller's,
            to the worker of a number.
    """

    def __init__(self, send: Send) -> None:
        self.streams: dict[str, _Entry] = {}
        self.workers: dict[int, bool] = {}  # whether it is going away
        self._send = send
        self._settled = False
        self._inquiries: dict[int, _Inquiry] = {}
        self._next_inquiry = 1
        self._handlers: dict[type[Message], Callable[[int, Any, Packet, float], None]] = {
            ClaimHome: self._on_claim,
            Release: self._on_release,
            Lost: self._on_lost,
            Forget: self._on_forget,
            Want: self._on_want,
            Follow: self._on_follow,
            Move: self._on_move,
            Limit: self._on_limit,
            TakeSeat: self._on_take_seat,
            LeaveSeat: self._on_leave_seat,
            WrongKey: self._on_news,
            Load: self._on_news,
            Ask: self._on_ask,
            Answer: self._on_answer,
            Yielded: self._on_yielded,
        }

    def joined(self, number: int, hello: Hello, now: float) -> None:
        """A worker has come, or has found us after our predecessor went."""
        self.workers[number] = False
        for name in hello.homes:
            entry = self._entry(name)
            if not entry.home:
                entry.home = number
                self._broadcast(Located(name, number), but=number)
        for name in (*hello.homes, *hello.held):
            self._entry(name).hold(number, *hello.forms.get(name, ()))
        for name, max_viewers in hello.limits.items():
            self._limit(number, name, max_viewers)
        for name in {**hello.seats, **hello.players}:
            players = {NAMELESS: hello.seats.get(name, 0), **hello.players.get(name, {})}
            self._entry(name).seats.replace(number, players)
        if self._settled:
            self._send_homes(number)
            self._grant_waiting(now)

    def settle(self, now: float) -> None:
        """All workers that there were have come: from now on questions are answered."""
        if not self._settled:
            self._settled = True
            for number in self.workers:
                self._send_homes(number)
            self._grant_waiting(now)

    def draining(self, number: int) -> None:
        """A worker is going away: streams may be taken from it, none are brought."""
        if number in self.workers:
            self.workers[number] = True

    def left(self, number: int, now: float) -> None:
        """A worker is no more."""
        self.workers.pop(number, None)
        for inquiry_number, inquiry in list(self._inquiries.items()):
            inquiry.awaited.discard(number)
            self._finish(inquiry_number, inquiry)
        for name, entry in list(self.streams.items()):
            entry.holders.pop(number, None)
            entry.unheard.discard(number)
            entry.seats.clear(number)
            entry.claims = [claim for claim in entry.claims if claim.worker != number]
            if entry.home == number:
                entry.home, entry.yielding, entry.max_viewers = NOBODY, False, 0
                entry.unheard = set(entry.holders)
                entry.unheard_until = now + ANSWER_S
                self._broadcast(Located(name, NOBODY))
            self._grant(name, entry, now)

    def handle(self, number: int, packet: Packet, now: float) -> None:
        """Take a packet of a worker. Its descriptor stays the caller's."""
        handler = self._handlers.get(type(packet.message))
        if handler is not None and number in self.workers:
            handler(number, packet.message, packet, now)

    def tick(self, now: float) -> None:
        """Wait no longer for those who do not answer; call it every 0.1 s or so."""
        for number, inquiry in list(self._inquiries.items()):
            if now >= inquiry.until:
                inquiry.awaited.clear()
                self._finish(number, inquiry)
        self._grant_waiting(now)

    # Homes

    def _on_claim(self, number: int, claim: ClaimHome, _: Packet, now: float) -> None:
        entry = self._entry(claim.name)
        entry.claims.append(_Claim(number, claim.ticket, claim.credential))
        self._grant(claim.name, entry, now)

    def _on_release(self, number: int, release: Release, _: Packet, now: float) -> None:
        entry = self._entry(release.name)
        entry.floor_ms = max(entry.floor_ms, release.head_ms)
        if entry.home == number:
            self._set_free(release.name, entry)
        self._grant(release.name, entry, now)

    def _on_lost(self, number: int, lost: Lost, _: Packet, now: float) -> None:
        entry = self._entry(lost.name)
        entry.floor_ms = max(entry.floor_ms, lost.head_ms)
        entry.unheard.discard(number)
        self._grant(lost.name, entry, now)

    def _on_forget(self, number: int, forget: Forget, _: Packet, now: float) -> None:
        entry = self._entry(forget.name)
        if entry.home != number:
            entry.holders.pop(number, None)
        entry.unheard.discard(number)
        self._grant(forget.name, entry, now)

    def _on_yielded(self, number: int, yielded: Yielded, _: Packet, now: float) -> None:
        entry = self._entry(yielded.name)
        entry.floor_ms = max(entry.floor_ms, yielded.head_ms)
        entry.yielding = False
        if yielded.refusal:
            claims, entry.claims = entry.claims, []
            for claim in claims:
                self._answer_claim(claim, NOBODY, 0, yielded.refusal)
        elif entry.home == number:
            self._set_free(yielded.name, entry)
        self._grant(yielded.name, entry, now)

    def _set_free(self, name: str, entry: _Entry) -> None:
        entry.home, entry.yielding, entry.max_viewers = NOBODY, False, 0
        self._broadcast(Located(name, NOBODY))

    def _grant_waiting(self, now: float) -> None:
        for name, entry in list(self.streams.items()):
            if entry.claims:
                self._grant(name, entry, now)

    def _grant(self, name: str, entry: _Entry, now: float) -> None:
        """Answer the claims on a stream, as far as that can be done now."""
        while entry.claims and self._settled:
            if not entry.home:
                if entry.unheard and now < entry.unheard_until:
                    return
                claim = entry.claims.pop(0)
                entry.home = claim.worker
                entry.hold(claim.worker)
                entry.unheard.clear()
                self._answer_claim(claim, NOBODY, entry.floor_ms, wanted=entry.take_wanted())
                self._broadcast(Located(name, claim.worker), but=claim.worker)
            elif entry.home != entry.claims[0].worker and self.workers.get(entry.home):
                if not entry.yielding:
                    entry.yielding = True
                    self._send(entry.home, Yield(name, entry.claims[0].credential), b"", -1)
                return
            else:
                claim = entry.claims.pop(0)
                here = entry.home == claim.worker
                self._answer_claim(claim, NOBODY if here else entry.home, entry.floor_ms)
        if entry.is_needless:
            self.streams.pop(name, None)

    def _answer_claim(
        self,
        claim: _Claim,
        home: int,
        floor_ms: int,
        refusal: str = "",
        wanted: Collection[str] = (),
    ) -> None:
        answer = Claimed(claim.ticket, home, floor_ms, refusal, sorted(wanted))
        self._send(claim.worker, answer, b"", -1)

    def _send_homes(self, number: int) -> None:
        homes = {name: entry.home for name, entry in self.streams.items() if entry.home}
        limits = {name: entry.max_viewers for name, entry in self.streams.items()}
        limited = {name: limit for name, limit in limits.items() if limit}
        self._send(number, Homes(homes, limited), b"", -1)

    # What passes between workers

    def _on_want(self, number: int, want: Want, _: Packet, __: float) -> None:
        self._entry(want.name).hold(number, want.form)

    def _on_follow(self, number: int, follow: Follow, packet: Packet, _: float) -> None:
        entry = self._entry(follow.name)
        entry.hold(number, follow.form)
        if entry.home and entry.home != number:
            self._send(entry.home, Feed(follow.name, follow.form, follow.since), b"", packet.fd)

    def _on_move(self, number: int, move: Move, packet: Packet, _: float) -> None:
        """Who cannot be taken where it wants to go comes back."""
        there = move.home if move.home in self.workers else number
        moved = Moved(move.name, move.address, move.connection_id)
        self._send(there, moved, packet.body, packet.fd)

    def _on_news(self, number: int, news: WrongKey | Load, _: Packet, __: float) -> None:
        self._broadcast(news, but=number)

    # Seats

    def _on_limit(self, number: int, limit: Limit, _: Packet, __: float) -> None:
        self._limit(number, limit.name, limit.max_viewers)

    def _limit(self, number: int, name: str, max_viewers: int) -> None:
        """Take note of how many viewers a stream may have, if it is its home that says so."""
        entry = self.streams.get(name)
        if entry is not None and entry.home == number:
            entry.max_viewers = max_viewers
            self._broadcast(Limit(name, max_viewers), but=number)

    def _on_take_seat(self, number: int, wish: TakeSeat, _: Packet, __: float) -> None:
        room = self._entry(wish.name).seats.take(number, wish.player, wish.limit)
        self._send(number, Seated(wish.ticket, room), b"", -1)

    def _on_leave_seat(self, number: int, seat: LeaveSeat, _: Packet, now: float) -> None:
        entry = self._entry(seat.name)
        entry.seats.leave(number, seat.player)
        self._grant(seat.name, entry, now)

    # Questions

    def _on_ask(self, number: int, ask: Ask, _: Packet, now: float) -> None:
        if ask.stream:
            entry = self.streams.get(ask.stream)
            awaited = {entry.home} if entry is not None and entry.home else set()
        else:
            awaited = set(self.workers) - {number}
        inquiry = _Inquiry(number, ask.ticket, awaited, now + ANSWER_S, len(awaited))
        inquiry_number, self._next_inquiry = self._next_inquiry, self._next_inquiry + 1
        self._inquiries[inquiry_number] = inquiry
        for worker in awaited:
            self._send(worker, Question(inquiry_number, ask.question, ask.arguments), b"", -1)
        self._finish(inquiry_number, inquiry)

    def _on_answer(self, number: int, answer: Answer, _: Packet, __: float) -> None:
        inquiry = self._inquiries.get(answer.ticket)
        if inquiry is not None and number in inquiry.awaited:
            inquiry.awaited.discard(number)
            inquiry.values.append(answer.value)
            self._finish(answer.ticket, inquiry)

    def _finish(self, number: int, inquiry: _Inquiry) -> None:
        if inquiry.awaited or self._inquiries.pop(number, None) is None:
            return
        if inquiry.asker in self.workers:
            answered = Answered(inquiry.ticket, inquiry.values, inquiry.asked)
            self._send(inquiry.asker, answered, b"", -1)

    def _broadcast(self, message: Message, *, but: int = NOBODY) -> None:
        if self._settled:
            for number in self.workers:
                if number != but:
                    self._send(number, message, b"", -1)

    def _entry(self, name: str) -> _Entry:
        entry = self.streams.get(name)
        if entry is None:
            entry = self.streams[name] = _Entry()
        return entry
