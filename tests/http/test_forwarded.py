"""Whom requests through proxies come from."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from slipstream.http.forwarded import client_address

TRUSTED = ("127.0.0.1", "10.0.0.0/8", "fd00::/8")
XFF = "X-Forwarded-For"


def found(peer: str, *headers: tuple[str, str]) -> str:
    return client_address(peer, CIMultiDictProxy(CIMultiDict(headers)), TRUSTED)


def test_strangers_are_not_believed() -> None:
    assert found("192.0.2.9", (XFF, "198.51.100.1")) == "192.0.2.9"
    assert found("192.0.2.9", ("Forwarded", "for=198.51.100.1")) == "192.0.2.9"


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("198.51.100.1, 192.0.2.1", "192.0.2.1"),
        ("198.51.100.1, 192.0.2.1, 10.1.2.3", "192.0.2.1"),
        ("192.0.2.1:4711, fd00::1", "192.0.2.1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, nonsense, 10.1.2.3", "10.1.2.3"),
        ("nonsense", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("10.1.2.3", "10.1.2.3"),
    ],
)
def test_the_rightmost_address_that_is_no_proxys_counts(said: str, address: str) -> None:
    assert found("127.0.0.1", (XFF, said)) == address


def test_several_lines_are_one_list() -> None:
    assert found("127.0.0.1", (XFF, "198.51.100.1"), (XFF, "192.0.2.1, 10.0.0.1")) == "192.0.2.1"


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("for=192.0.2.1;proto=https", "192.0.2.1"),
        ('by=10.0.0.1; For="[2001:db8::1]:4711"', "2001:db8::1"),
        ("for=198.51.100.1, for=192.0.2.1, for=10.0.0.7", "192.0.2.1"),
        ("for=unknown", "127.0.0.1"),
        ("for=192.0.2.1, proto=https", "127.0.0.1"),
    ],
)
def test_the_standards_header_is_understood(said: str, address: str) -> None:
    assert found("127.0.0.1", ("Forwarded", said)) == address


def test_the_standards_header_cannot_contradict_the_usual_one() -> None:
    assert found("127.0.0.1", ("Forwarded", "for=198.51.100.1"), (XFF, "192.0.2.1")) == "192.0.2.1"
