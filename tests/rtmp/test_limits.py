"""The budget of commands: at the limit, one past it, and refilled by time."""

from __future__ import annotations

import pytest

from slipstream.errors import CommandError
from slipstream.rtmp.limits import CommandBudget, ServerLimits

LIMITS = ServerLimits()


def spend(budget: CommandBudget, count: int, now: float) -> None:
    for _ in range(count):
        budget.spend(now)


def test_sixty_four_in_all_before_authorised_however_slowly() -> None:
    budget = CommandBudget(LIMITS)
    for count in range(64):
        budget.spend(100.0 * count)
    for now in (6400.0, 999_999.0):
        with pytest.raises(CommandError, match="more than 64 commands"):
            budget.spend(now)


def test_twenty_a_second_once_authorised() -> None:
    budget = CommandBudget(LIMITS)
    spend(budget, 4, 5.0)
    budget.authorise()
    spend(budget, 20, 5.0)
    with pytest.raises(CommandError, match="more than 20 commands in a second"):
        budget.spend(5.0)
    spend(budget, 10, 5.5)
    with pytest.raises(CommandError):
        budget.spend(5.5)
    spend(budget, 20, 999.0)
    with pytest.raises(CommandError):
        budget.spend(999.0)


def test_authorising_again_refills_nothing() -> None:
    budget = CommandBudget(LIMITS)
    budget.authorise()
    spend(budget, 20, 0.0)
    budget.authorise()
    with pytest.raises(CommandError):
        budget.spend(0.0)


def test_steady_use_below_the_rate_goes_on_for_ever() -> None:
    budget = CommandBudget(LIMITS)
    budget.authorise()
    for tick in range(2000):
        budget.spend(tick / 19)
