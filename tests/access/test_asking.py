"""Others are asked: when, how often, and what their answers are good for."""

from __future__ import annotations

from slipstream.access import AccessSettings, Action, Decision, Gate, Request

THEM = "203.0.113.9"
SETTINGS = AccessSettings(publish="hook", play="hook")


class Backend:
    """Allows what it is told to; remembers who asked."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.asked: list[Request] = []

    async def ask(self, request: Request) -> Decision:
        self.asked.append(request)
        return self.decision


class Broken:
    async def ask(self, request: Request) -> Decision:
        raise RuntimeError(request.stream)


def publishing(query: str = "") -> Request:
    return Request(Action.PUBLISH, "live/cam", THEM, query, "rtmp", id="rtmp-1")


def playing(query: str = "", *, client: str = "VLC") -> Request:
    return Request(Action.PLAY, "live/cam", THEM, query, "hls", client=client)


def gate(backend: Backend | Broken | None = None) -> Gate:
    gate = Gate(lambda _: SETTINGS, "key")
    gate.backend = backend
    return gate


async def test_the_answer_of_others_decides() -> None:
    for decision in (Decision(allowed=True, credential="them"), Decision(allowed=False)):
        asking = gate(Backend(decision))
        assert asking.decide(publishing(), 0.0).undecided
        assert await asking.ask(publishing(), 0.0) == decision


async def test_nobody_is_let_in_before_the_answer_without_anybody_to_ask_or_by_a_bug() -> None:
    assert not gate().decide(publishing(), 0.0).allowed
    assert not (await gate().ask(publishing(), 0.0)).allowed
    assert not (await gate(Broken()).ask(publishing(), 0.0)).allowed


async def test_who_shows_the_same_may_take_over() -> None:
    asking = gate(Backend(Decision(allowed=True)))
    first, again, other = [await asking.ask(publishing(query), 0.0) for query in ("a", "a", "b")]
    assert first.credential == again.credential != other.credential


async def test_players_that_ask_often_are_asked_about_once_a_visit() -> None:
    backend = Backend(Decision(allowed=True))
    asking = gate(backend)
    await asking.ask(playing("u=1&_HLS_msn=4"), 0.0)
    assert asking.decide(playing("u=1&_HLS_msn=5"), 29.0).allowed
    assert asking.decide(playing("u=1"), 29.0).allowed
    assert asking.decide(playing("u=2"), 29.0).undecided
    assert asking.decide(playing("u=1", client="mpv"), 29.0).undecided
    assert asking.decide(playing("u=1"), 30.0).undecided


async def test_a_refusal_and_a_publisher_are_asked_about_each_time() -> None:
    refusing = gate(Backend(Decision(allowed=False)))
    await refusing.ask(playing(), 0.0)
    assert refusing.decide(playing(), 0.0).undecided
    allowing = gate(Backend(Decision(allowed=True)))
    await allowing.ask(publishing(), 0.0)
    assert allowing.decide(publishing(), 0.0).undecided
