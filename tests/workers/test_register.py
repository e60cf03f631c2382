"""The supervisor's tables: whatever workers do, one home for a stream, and an answer for all."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from slipstream.workers.messages import (
    Ask,
    Claimed,
    ClaimHome,
    Follow,
    Forget,
    Hello,
    Lost,
    Message,
    Move,
    Moved,
    Release,
    Seated,
    Since,
    TakeSeat,
    Want,
    Yield,
    Yielded,
)
from slipstream.workers.packets import Packet
from slipstream.workers.register import ANSWER_S, Register


class Post:
    """What the register has sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, Message, bytes, int]] = []

    def __call__(self, number: int, message: Message, body: bytes, fd: int) -> None:
        self.sent.append((number, message, body, fd))

    def to(self, number: int, kind: type[Message]) -> list[Message]:
        return [m for worker, m, _, _ in self.sent if worker == number and isinstance(m, kind)]


def hello(number: int, **more: object) -> Hello:
    fields = {"homes": [], "held": [], "seats": {}, **more}
    return Hello(number=number, slot=0, generation=0, pid=0, ready=True, **fields)  # type: ignore[arg-type]


def register_of(*numbers: int) -> tuple[Register, Post]:
    post = Post()
    register = Register(post)
    register.settle(0.0)
    for number in numbers:
        register.joined(number, hello(number), 0.0)
    return register, post


def say(register: Register, number: int, message: Message, now: float = 0.0) -> None:
    register.handle(number, Packet(message), now)


def test_a_new_supervisor_knows_who_sits_where() -> None:
    register, post = register_of()
    register.joined(1, hello(1, seats={"live/a": 1}, players={"live/a": {"one": 1}}), 0.0)
    register.joined(2, hello(2, players={"live/a": {"one": 1}}), 0.0)
    say(register, 2, TakeSeat(7, "live/a", 2, "one"))
    say(register, 2, TakeSeat(8, "live/a", 2, "two"))
    assert post.to(2, Seated) == [Seated(7, True), Seated(8, False)]


def test_a_claim_after_a_death_waits_for_those_who_followed() -> None:
    register, post = register_of(1, 2, 3)
    say(register, 1, ClaimHome(1, "live/a", "k"))
    say(register, 2, Follow("live/a", "rtmp", Since.BEGINNING))
    register.left(1, 10.0)
    say(register, 3, ClaimHome(7, "live/a", "k"), 10.0)
    assert post.to(3, Claimed) == []
    say(register, 2, Lost("live/a", 4711), 10.1)
    assert post.to(3, Claimed) == [Claimed(7, 0, 4711, "", ["rtmp"])]


def test_a_home_is_told_in_which_formats_others_wait() -> None:
    register, post = register_of(1, 2)
    say(register, 2, Want("live/a", "flv"))
    say(register, 1, ClaimHome(3, "live/a", "k"))
    assert post.to(1, Claimed) == [Claimed(3, 0, 0, "", ["flv"])]


def test_the_next_home_is_told_in_which_formats_the_last_one_was_followed() -> None:
    register, post = register_of(1, 2, 3)
    say(register, 1, ClaimHome(1, "live/a", "k"))
    say(register, 2, Follow("live/a", "flv", Since.BEGINNING))
    say(register, 1, Release("live/a", 0))
    say(register, 3, ClaimHome(2, "live/a", "k"))
    assert post.to(3, Claimed) == [Claimed(2, 0, 0, "", ["flv"])]
    say(register, 3, Release("live/a", 0))
    say(register, 1, ClaimHome(3, "live/a", "k"))  # whom nobody has followed meanwhile
    assert post.to(1, Claimed)[1:] == [Claimed(3, 0, 0, "", [])]


def test_a_new_supervisor_knows_what_is_followed() -> None:
    register, post = register_of(1)
    register.joined(2, hello(2, held=["live/a"], forms={"live/a": ["ts"]}), 0.0)
    say(register, 1, ClaimHome(1, "live/a", "k"))
    assert post.to(1, Claimed) == [Claimed(1, 0, 0, "", ["ts"])]


def test_a_claim_after_a_death_does_not_wait_for_ever() -> None:
    register, post = register_of(1, 2, 3)
    say(register, 1, ClaimHome(1, "live/a", "k"))
    say(register, 2, Follow("live/a", "rtmp", Since.BEGINNING))
    register.left(1, 10.0)
    say(register, 3, ClaimHome(7, "live/a", "k"), 10.0)
    register.tick(10.0 + ANSWER_S)
    assert post.to(3, Claimed) == [Claimed(7, 0, 0, "", ["rtmp"])]


def test_before_it_is_settled_nobody_is_answered() -> None:
    post = Post()
    register = Register(post)
    register.joined(1, hello(1), 0.0)
    say(register, 1, ClaimHome(1, "live/a", "k"))
    assert post.sent == []
    register.joined(2, hello(2, homes=["live/a"]), 0.0)
    register.settle(0.1)
    assert post.to(1, Claimed) == [Claimed(1, 2, 0, "", [])]


def test_a_home_that_goes_away_is_asked_once_for_all_claims() -> None:
    register, post = register_of(1, 2)
    say(register, 1, ClaimHome(1, "live/a", "k"))
    register.draining(1)
    say(register, 2, ClaimHome(1, "live/a", "k"))
    say(register, 2, ClaimHome(2, "live/a", "k"))
    assert post.to(1, Yield) == [Yield("live/a", "k")]
    say(register, 1, Yielded("live/a", 99, ""))
    assert post.to(2, Claimed) == [Claimed(1, 0, 99, "", []), Claimed(2, 0, 99, "", [])]


def test_a_home_that_dies_while_it_is_asked_is_no_obstacle() -> None:
    register, post = register_of(1, 2)
    say(register, 1, ClaimHome(1, "live/a", "k"))
    register.draining(1)
    say(register, 2, ClaimHome(1, "live/a", "k"))
    register.left(1, 0.0)
    register.tick(ANSWER_S)
    assert [answer.home for answer in post.to(2, Claimed)] == [0]  # type: ignore[union-attr]


def test_a_connection_for_a_worker_that_has_gone_comes_back() -> None:
    register, post = register_of(1)
    register.handle(1, Packet(Move(2, "live/a", "192.0.2.1", "rtmp-1-7"), b"said", 5), 0.0)
    moved = Moved("live/a", "192.0.2.1", "rtmp-1-7")
    assert [sent for sent in post.sent if sent[3] >= 0] == [(1, moved, b"said", 5)]


def test_who_asks_gets_an_answer_though_others_are_silent() -> None:
    register, post = register_of(1, 2)
    say(register, 1, Ask(5, "q", {}, ""))
    register.tick(ANSWER_S)
    answer = post.to(1, type(post.sent[-1][1]))[-1]
    assert (answer.ticket, answer.values, answer.asked) == (5, [], 1)  # type: ignore[union-attr]


class Workers(RuleBasedStateMachine):
    """Workers that claim, release, follow, die and come."""

    numbers = Bundle("numbers")
    names = st.sampled_from(["live/a", "live/b"])

    def __init__(self) -> None:
        super().__init__()
        self.post = Post()
        self.register = Register(self.post)
        self.register.settle(0.0)
        self.now = 0.0
        self.alive: set[int] = set()
        self.homes: dict[str, int] = {}  # as the workers were told
        self.claims: dict[int, tuple[int, str]] = {}
        self.next_number = 1
        self.read = 0

    @rule(target=numbers)
    def come(self) -> int:
        number, self.next_number = self.next_number, self.next_number + 1
        self.alive.add(number)
        self.register.joined(number, hello(number), self.now)
        return number

    @rule(number=numbers)
    def die(self, number: int) -> None:
        if number in self.alive:
            self.alive.discard(number)
            self.homes = {name: home for name, home in self.homes.items() if home != number}
            self.claims = {t: c for t, c in self.claims.items() if c[0] != number}
            self.register.left(number, self.now)

    @rule(number=numbers, name=names)
    def claim(self, number: int, name: str) -> None:
        if number in self.alive:
            ticket = len(self.post.sent) * 1000 + len(self.claims)
            self.claims[ticket] = number, name
            say(self.register, number, ClaimHome(ticket, name, "k"), self.now)

    @rule(number=numbers, name=names, head=st.integers(0, 1000))
    def release(self, number: int, name: str, head: int) -> None:
        if number in self.alive and self.homes.get(name) == number:
            del self.homes[name]
            say(self.register, number, Release(name, head), self.now)

    @rule(number=numbers, name=names)
    def follow(self, number: int, name: str) -> None:
        if number in self.alive:
            say(self.register, number, Follow(name, "rtmp", Since.BEGINNING), self.now)

    @rule(number=numbers, name=names)
    def forget(self, number: int, name: str) -> None:
        if number in self.alive:
            say(self.register, number, Forget(name), self.now)

    @rule(seconds=st.sampled_from([0.1, 2.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.register.tick(self.now)

    @precondition(lambda self: self.read < len(self.post.sent))
    @invariant()
    def read_the_post(self) -> None:
        for number, message, _, _ in self.post.sent[self.read :]:
            if isinstance(message, Claimed) and number in self.alive:
                claimant, name = self.claims.pop(message.ticket)
                assert claimant == number
                if message.home == 0:
                    assert self.homes.get(name, number) == number, "two homes"
                    self.homes[name] = number
                else:
                    assert message.home == self.homes[name]
        self.read = len(self.post.sent)

    @invariant()
    def tables_hold_what_is_true(self) -> None:
        for name, home in self.homes.items():
            assert self.register.streams[name].home == home
        for entry in self.register.streams.values():
            assert entry.home in {0, *self.alive}
            assert entry.holders.keys() <= self.alive

    def teardown(self) -> None:
        self.wait(5.0)
        self.read_the_post()
        assert not self.claims, "a claim without an answer"
        for number in list(self.alive):
            self.die(number)
        self.wait(5.0)
        assert not self.register.streams, "something is left of those who are gone"


Workers.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestWorkers = Workers.TestCase
