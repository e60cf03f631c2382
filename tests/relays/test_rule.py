"""Rules: which streams they are for, where these go, and what anybody may see of it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from slipstream.relays import RelayKind, RelaySettings, Rule, read_rule

PUSH, PULL = RelayKind.PUSH, RelayKind.PULL


def test_a_rule_is_for_the_streams_that_its_pattern_matches() -> None:
    rule = Rule(PUSH, "live/*", "rtmp://a/{app}/{name}")
    assert rule.matches("live/a")
    assert rule.matches("live/a/b")
    assert not rule.matches("other/a")
    assert not Rule(PUSH, "live/a", "rtmp://a/b/c").matches("live/ab")


def test_the_streams_name_goes_into_the_url() -> None:
    url = Rule(PUSH, "live/*", "rtmp://host:1936/{app}-x/{name}?key=k").url_for("live/a/b")
    assert (url.host, url.port, url.app, url.name) == ("host", 1936, "live-x/a", "b?key=k")


def test_one_rule_has_one_id_and_another_one_another() -> None:
    rule = Rule(PUSH, "live/a", "rtmp://a/b/c")
    assert rule.id == Rule(PUSH, "live/a", "rtmp://a/b/c", is_static=True).id
    others = [Rule(PULL, "live/a", "rtmp://a/b/c"), Rule(PUSH, "live/a", "rtmp://a/b/d")]
    assert rule.id not in {other.id for other in others}


@pytest.mark.parametrize(
    ("kind", "url", "shown"),
    [
        (PUSH, "rtmp://u:p@host/app?t=x/key-1", "rtmp://host/app/***?***"),
        (PUSH, "rtmp://host/app/key-1?auth=2", "rtmp://host/app/***?***"),
        (PUSH, "rtmp://host/app/{name}", "rtmp://host/app/{name}"),
        (PULL, "rtmp://host/app/name?token=2", "rtmp://host/app/name?***"),
    ],
)
def test_keys_in_a_url_are_not_shown(kind: RelayKind, url: str, shown: str) -> None:
    assert Rule(kind, "live/a", url).shown_url == shown


def test_what_a_server_repeats_of_a_url_is_hidden() -> None:
    rule = Rule(PUSH, "live/a", "rtmp://u:pass-3@host/app?t=x1/key-1?auth=2")
    said = "no stream key-1 with auth=2 of u:pass-3 by t=x1"
    assert Rule(PUSH, "live/a", "rtmp://host/app/a").hide("a bad a-b") == "*** bad ***-b"
    assert rule.hide(said) == "no stream *** with *** of u:*** by ***"


def test_what_is_kept_of_a_rule_is_read_again() -> None:
    for rule in (
        Rule(PUSH, "live/a", "rtmp://a/b/c"),
        Rule(PULL, "live/*", "rtmp://a/b/{name}", on_demand=True),
    ):
        assert read_rule(rule.values) == rule


@pytest.mark.parametrize("host", ["10.0.0.0/33", "a/b", "", "a b", "-x"])
def test_what_is_no_host_is_not_allowed_as_one(host: str) -> None:
    with pytest.raises(ValidationError, match="a host's name, an address or a network"):
        RelaySettings(allowed_hosts=[host])


def test_a_wrong_url_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        read_rule({"kind": "push", "stream": "live/a", "url": "rtmp://host/secret"})
    assert "secret" not in caught.value.errors(include_url=False)[0]["msg"]
