"""The gate: who may publish, who may play, and what a wrong key costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.access import AccessSettings, Action, Decision, Failures, Gate, Request

KEY = "0123456789abcdef0123456789abcdef"
THEM = "203.0.113.9"


def settings_of(stream: str) -> AccessSettings:
    return AccessSettings(publish="anonymous" if stream.startswith("open/") else "key")


def request(
    query: str = "",
    *,
    action: Action = Action.PUBLISH,
    stream: str = "live/cam",
    address: str = THEM,
) -> Request:
    return Request(action, stream, address, query, "rtmp")


def decide(query: str = "", *, stream: str = "live/cam") -> Decision:
    return Gate(settings_of, KEY).decide(request(query, stream=stream), 0.0)


def test_playing_is_open() -> None:
    assert Gate(settings_of, KEY).decide(request(action=Action.PLAY), 0.0).allowed


@pytest.mark.parametrize(
    "query",
    [
        f"key={KEY}",
        f"user=me&key={KEY}",
        f"key={KEY}&key={KEY}",  # behind the name and behind the application
        f"key=%30{KEY[1:]}",
    ],
)
def test_the_right_key_may_publish(query: str) -> None:
    decision = decide(query)
    assert decision.allowed
    assert decision.credential.startswith("key:")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "key=",
        "key",
        f"KEY={KEY}",
        f"key={KEY[:-1]}",
        f"key={KEY}0",
        f"key={KEY.upper()}",
        f"key=%20{KEY}",
        f"key={KEY}\0",
        f"key=guess&key={KEY}",
        "&".join(["x=1"] * 40 + [f"key={KEY}"]),
        "key=\udcff\U0001f511",
    ],
)
def test_everything_else_may_not(query: str) -> None:
    decision = decide(query)
    assert not decision.allowed
    assert not decision.credential


def test_the_credential_is_the_same_wherever_the_key_comes_from_and_does_not_tell_it() -> None:
    gate = Gate(settings_of, KEY)
    here = gate.decide(request(f"key={KEY}"), 0.0)
    there = gate.decide(request(f"key={KEY}", address="198.51.100.1"), 0.0)
    assert here.credential == there.credential
    assert KEY not in here.credential


def test_anonymous_publishing_is_a_matter_of_the_application() -> None:
    assert decide(stream="open/cam") == Decision(allowed=True, credential=f"address:{THEM}")
    assert not decide(stream="opening/cam").allowed


def test_guessing_is_refused_after_five_wrong_keys_with_the_right_one_too() -> None:
    gate = Gate(settings_of, KEY)
    answers = [gate.decide(request(f"key=guess{n}"), float(n)) for n in range(5)]
    assert {answer.reason for answer in answers} == {"wrong key"}
    assert not gate.decide(request(f"key={KEY}"), 5.0).allowed
    assert gate.decide(request(f"key={KEY}"), 10.0).allowed
    assert gate.failures.total == 5


def test_guessing_does_not_shut_out_other_addresses() -> None:
    gate = Gate(settings_of, KEY)
    for n in range(50):
        gate.decide(request(f"key=guess{n}"), 0.0)
    assert gate.decide(request(f"key={KEY}", address="198.51.100.1"), 0.0).allowed


def test_a_forgotten_key_is_no_guess() -> None:
    gate = Gate(settings_of, KEY, Failures(limit=1))
    assert gate.decide(request(), 0.0).reason == "no key"
    assert gate.decide(request(f"key={KEY}"), 0.0).allowed


def test_wrong_keys_on_open_applications_count_for_nothing() -> None:
    gate = Gate(settings_of, KEY, Failures(limit=1))
    assert gate.decide(request("key=guess", stream="open/cam"), 0.0).allowed
    assert gate.decide(request(f"key={KEY}"), 0.0).allowed


@given(st.text(max_size=200))
def test_any_query_is_decided(query: str) -> None:
    assert not decide(query).allowed
    assert not decide(f"key={query}").allowed
