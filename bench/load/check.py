"""Whether a viewer got its stream: every message once, in order, from a keyframe on.

Put in the stamp of each message as it arrives. What comes before the first keyframe is not
counted: a server may begin wherever it likes, but a player can show nothing until then. Later, a
number left out is `missing`, one that comes again or too late is `doubled`, and each leap forward
is kept as a `Jump`, so that skips to a keyframe can be told from damage: what is left out in one
is `skipped`, too. Where sound goes on while pictures are left out, the next picture ends the leap.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Jump(NamedTuple):
    """A leap forward: the number that was due, the one that came, and whether it can be decoded."""

    expected: int
    number: int
    to_keyframe: bool


@dataclass(slots=True)
class SequenceCheck:
    """Feed it with `see()`, then read the counts."""

    received: int = 0
    missing: int = 0
    skipped: int = 0
    doubled: int = 0
    jumps: list[Jump] = field(default_factory=list)
    expected: int | None = None  # the next number; None until the first keyframe
    leap_from: int | None = None  # the first number left out since the last picture
    left_out: int = 0  # since then

    def see(self, number: int, keyframe: bool, sound: bool = False) -> bool:
        """Note a message; False for those before the first keyframe."""
        if self.expected is None:
            if not keyframe:
                return False
            self.expected = number
        self.received += 1
        if number < self.expected:
            self.doubled += 1
            return True
        if number > self.expected:
            self.missing += number - self.expected
            self.left_out += number - self.expected
            if self.leap_from is None:
                self.leap_from = self.expected
        if self.leap_from is not None and not sound:
            self.jumps.append(Jump(self.leap_from, number, keyframe))
            self.skipped += self.left_out if keyframe else 0
            self.leap_from, self.left_out = None, 0
        self.expected = number + 1
        return True
