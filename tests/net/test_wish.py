"""What viewers may ask for in the query of an address."""

from __future__ import annotations

import pytest

from slipstream.hub import StreamSettings
from slipstream.net.wish import BadWishError, Wish, parse_wish


@pytest.mark.parametrize(
    ("query", "wish"),
    [
        ("", Wish()),
        ("key=abc&tracks=all", Wish()),
        ("delay=4", Wish(4_000)),
        ("key=a&delay=2.5&latency=800", Wish(2_500, 800)),
        ("delay=0", Wish()),
        ("delay=1&delay=2", Wish(1_000)),
        ("delay=1.26", Wish(1_300)),
        ("delay=1e2", Wish(100_000)),
        ("latency=100", Wish(ceiling_ms=100)),
        ("latency=600000", Wish(ceiling_ms=600_000)),
        ("&&delay=3&", Wish(3_000)),
    ],
)
def test_what_a_query_asks_for(query: str, wish: Wish) -> None:
    assert parse_wish(query) == wish


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("delay=", "delay=''"),
        ("delay=soon", "a number of seconds"),
        ("delay=-1", "0 to 86400"),
        ("delay=1e308", "0 to 86400"),
        ("delay=nan", "a number of seconds"),
        ("delay=inf", "a number of seconds"),
        ("delay=1e999", "a number of seconds"),
        ("latency=", "latency=''"),
        ("latency=fast", "valid integer"),
        ("latency=99", "greater than or equal to 100"),
        ("latency=600001", "less than or equal to 600000"),
        ("latency=1.5", "valid integer"),
        ("delay=" + "9" * 400, "a number of seconds"),
        ("delay=1&" + "a&" * 200, "more than 100 fields"),
    ],
)
def test_nonsense_is_refused_with_a_reason(query: str, says: str) -> None:
    with pytest.raises(BadWishError) as error:
        parse_wish(query)
    assert says in str(error.value)
    assert len(str(error.value)) < 200


def test_a_delay_leaves_room_for_the_lag_that_a_viewer_may_have() -> None:
    settings = StreamSettings(keep_ms=10_000, latency_ceiling_ms=3_000)
    assert Wish(delay_ms=4_000).hold_ms(settings) == 4_000
    assert Wish(delay_ms=60_000).hold_ms(settings) == 7_000
    assert Wish(delay_ms=1_000).hold_ms(StreamSettings(keep_ms=0)) == 0


def test_who_asks_for_no_ceiling_has_the_applications() -> None:
    settings = StreamSettings(latency_ceiling_ms=2_000)
    assert Wish().limit_ms(settings) == 2_000
    assert Wish(ceiling_ms=500).limit_ms(settings) == 500
