"""Rules on addresses, referring pages and origins."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from slipstream.access import AccessSettings
from tests.access.stage import KEY, gate, playing, publishing

NET = "203.0.113.0/24"


@pytest.mark.parametrize(
    ("allow", "deny", "address", "may"),
    [
        ([], [], "203.0.113.9", True),
        ([NET], [], "203.0.113.9", True),
        ([NET], [], "198.51.100.1", False),
        ([], [NET], "203.0.113.9", False),
        ([NET], ["203.0.113.9"], "203.0.113.9", False),
        ([NET], [], "2001:db8::1", False),
        (["2001:db8::/32"], [], "2001:db8::1", True),
        ([NET], [], "", False),
    ],
)
def test_networks(allow: list[str], deny: list[str], address: str, may: bool) -> None:
    door = gate(AccessSettings(publish_allow=allow, publish_deny=deny))
    assert door.decide(publishing(f"key={KEY}", address=address), 0.0).allowed is may
    door = gate(AccessSettings(play_allow=allow, play_deny=deny))
    assert door.decide(playing(address=address), 0.0).allowed is may


def test_no_credential_helps_where_the_address_may_not() -> None:
    door = gate(AccessSettings(publish_deny=[NET]))
    assert door.decide(publishing(f"key={KEY}"), 0.0).reason == "not from this address"
    assert door.failures.total == 0


@pytest.mark.parametrize(
    ("hosts", "page", "may"),
    [
        ([], "https://evil.example/", True),
        (["*.example.com"], "https://www.example.com/watch?x=1", True),
        (["*.example.com"], "https://WWW.Example.COM/", True),
        (["*.example.com"], "https://example.com.evil.example/", False),
        (["*.example.com"], "https://evil.example/?www.example.com", False),
        (["example.com"], "https://example.com@evil.example/", False),
        (["example.com"], "", False),
        (["example.com", "none"], "", True),
        (["example.com"], "http://[", False),
    ],
)
def test_referring_pages(hosts: list[str], page: str, may: bool) -> None:
    door = gate(AccessSettings(referers=hosts))
    assert door.decide(playing(page_url=page), 0.0).allowed is may
    assert door.decide(playing(page_url=page, protocol="rtmp"), 0.0).allowed


def test_where_a_browser_names_no_page_its_origin_tells() -> None:
    door = gate(AccessSettings(referers=["example.com", "none"]))
    assert door.decide(playing(origin="https://example.com"), 0.0).allowed
    assert door.decide(playing(), 0.0).allowed
    for other in ("https://evil.example", "null"):
        assert not door.decide(playing(origin=other), 0.0).allowed


def test_origins() -> None:
    door = gate(AccessSettings(origins=["https://example.com"]))
    assert door.decide(playing(origin="https://Example.com"), 0.0).allowed
    assert door.decide(playing(), 0.0).allowed
    for other in ("https://evil.example", "null", "http://example.com"):
        assert not door.decide(playing(origin=other), 0.0).allowed


@pytest.mark.parametrize("network", ["203.0.113.9/24", "everybody", ""])
def test_what_is_no_network_is_no_setting(network: str) -> None:
    with pytest.raises(ValidationError):
        AccessSettings(publish_allow=[network])
