"""Signed URLs: good for one stream, action, time and maybe address; any change breaks them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipstream.access import AccessSettings, Action
from slipstream.access.signed import sign, signed_query
from tests.access.stage import NOW, SIGNING_KEY, THEM, gate, playing, publishing

SETTINGS = AccessSettings(publish="signed", play="signed")
EXPIRES = int(NOW) + 60
OPENSSL = "dwJCmXb_EouxmYzT64SqqMtSst7BIS1D8JBahFh_Jqg"
GOOD = signed_query(SIGNING_KEY, Action.PUBLISH, "live/cam", EXPIRES)


def test_a_signature_made_by_the_book_is_this_one() -> None:
    # printf 'play\nlive/cam\n1790000060\n' | openssl dgst -sha256 -hmac fedc... -binary | base64
    assert sign(SIGNING_KEY, Action.PLAY, "live/cam", 1_790_000_060) == OPENSSL


def test_it_lets_in_for_what_it_was_made() -> None:
    decision = gate(SETTINGS).decide(publishing(GOOD), 0.0)
    assert decision.allowed
    assert decision.credential.startswith("signed:")


def test_not_for_another_stream_action_or_later() -> None:
    door = gate(SETTINGS)
    assert not door.decide(publishing(GOOD, "live/cam2"), 0.0).allowed
    assert not door.decide(playing(GOOD), 0.0).allowed
    late = gate(SETTINGS, clock=lambda: EXPIRES).decide(publishing(GOOD), 0.0)
    assert late.reason == "the signed URL has expired"


def test_bound_to_an_address_it_is_good_there_alone() -> None:
    bound = signed_query(SIGNING_KEY, Action.PLAY, "live/cam", EXPIRES, THEM)
    assert gate(SETTINGS).decide(playing(bound), 0.0).allowed
    elsewhere = gate(SETTINGS).decide(playing(bound, address="198.51.100.1"), 0.0)
    assert elsewhere.reason == "the signed URL is for another address"
    unbound = bound.replace(f"&ip={THEM}", "")
    assert not gate(SETTINGS).decide(playing(unbound), 0.0).allowed


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 6))
def test_a_flipped_bit_breaks_it(at: int, bit: int) -> None:
    flipped = GOOD[:at] + chr(ord(GOOD[at]) ^ 1 << bit) + GOOD[at + 1 :]
    assert not gate(SETTINGS).decide(publishing(flipped), 0.0).allowed


@pytest.mark.parametrize("query", [f"{GOOD}&expires=9999999999", f"{GOOD}&sig=x", "sig=", "sig=x"])
def test_what_is_said_twice_or_not_at_all_does_not_count(query: str) -> None:
    assert not gate(SETTINGS).decide(publishing(query), 0.0).allowed


def test_an_expired_one_is_no_guess_and_a_wrong_one_is() -> None:
    late = gate(SETTINGS, clock=lambda: EXPIRES)
    late.decide(publishing(GOOD), 0.0)
    assert late.failures.total == 0
    late.decide(publishing(GOOD[:-1]), 0.0)
    assert late.failures.total == 1
