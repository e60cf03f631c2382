from slipstream.hooks.breaker import OPENS_AFTER, PROBE_EVERY_S, Breaker


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(OPENS_AFTER):
        assert breaker.lets_through(0)
        breaker.note(0, failed=True)
    return breaker


def test_it_opens_after_five_failures_in_a_row() -> None:
    assert OPENS_AFTER == 5
    breaker = opened()
    assert breaker.is_open
    assert not breaker.lets_through(0)


def test_an_answer_between_failures_keeps_it_closed() -> None:
    breaker = Breaker()
    for failed in [True] * 4 + [False] + [True] * 4:
        breaker.note(0, failed=failed)
    assert not breaker.is_open


def test_one_probe_at_a_time_is_let_through() -> None:
    breaker = opened()
    assert breaker.lets_through(PROBE_EVERY_S)
    assert not breaker.lets_through(PROBE_EVERY_S)
    breaker.note(PROBE_EVERY_S, failed=True)
    assert not breaker.lets_through(PROBE_EVERY_S * 1.9)
    assert breaker.lets_through(PROBE_EVERY_S * 2)


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = opened()
    assert breaker.lets_through(PROBE_EVERY_S)
    breaker.note(PROBE_EVERY_S, failed=False)
    assert not breaker.is_open
    assert breaker.lets_through(PROBE_EVERY_S)
    breaker.note(PROBE_EVERY_S, failed=True)
    assert not breaker.is_open
