"""Queries before the gate: nobody publishes without the key, and nobody guesses it.

An input is a list of visits: an address, the seconds that have passed, a size and a query.
"""

from __future__ import annotations

from urllib.parse import unquote_plus

from fuzz.script import Script
from slipstream.access import AccessSettings, Action, Gate, Request

ALLOWED = ()
MAX_BYTES = 512

KEY = "k3y~k3y~k3y~k3y~"
WINDOW_S, GUESSES = 10, 5  # that are answered within that time
ADDRESSES = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "not an address")


def run(data: bytes) -> None:
    """Visit one gate, which looks for the key and counts the wrong ones."""
    script = Script(data)
    gate = Gate(lambda _: AccessSettings(), KEY)
    now = 0.0
    guesses: dict[str, list[float]] = {address: [] for address in ADDRESSES}
    while not script.at_end:
        choice = script.number(1)
        address = ADDRESSES[choice & 3]
        now += choice >> 2 & 15
        query = script.take(script.number(1)).decode(errors="surrogateescape")
        if choice & 0x40:
            query = query.replace("K", KEY)
        decision = gate.decide(Request(Action.PUBLISH, "live/film", address, query, "rtmp"), now)
        answered = guesses[address] = [when for when in guesses[address] if now - when < WINDOW_S]
        assert not (decision.allowed and len(answered) >= GUESSES)
        if decision.allowed:
            assert decision.credential
            assert KEY in unquote_plus(query)
        elif decision.reason == "wrong key":
            answered.append(now)
            assert len(answered) <= GUESSES
