"""What the command line chooses for a run."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices.

    Attributes:
        short: the form of at most a minute, for every change of the code.
        seed: of all chance in the run; the same seed makes the same plan.
    """

    short: bool = False
    seed: int = 1

    def pick(self, *, full: Value, short: Value) -> Value:
        """What belongs to the chosen form."""
        return short if self.short else full

    @property
    def leniency(self) -> int:
        """By how much times may be longer: short runs share their machine with other tests."""
        return 8 if self.short else 1

    def chance(self) -> Random:
        """The run's own chance."""
        return Random(self.seed)
