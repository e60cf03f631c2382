"""What a viewer that lags is spared, so that it keeps a picture and need not jump.

Decided for each entry by its flags in the log's index. First the pictures that no other one
refers to are left out, then all up to the next keyframe. Sound, messages and configurations
always go on, and a picture never comes without those that it refers to.
"""

from __future__ import annotations

from typing import NamedTuple

from slipstream.formats import Flag
from slipstream.log import SYNC, Segment

# Shares of the latency ceiling
SPARE_DISPOSABLE = 1 / 2
SPARE_PICTURES = 3 / 4
CALM = 1 / 4  # below it everything is sent again

_EVERYTHING, _REFERRED_TO, _NO_PICTURES = range(3)  # what is sent


class Run(NamedTuple):
    """A range of a segment that is sent, by positions."""

    start: int
    end: int
    left_out: int  # entries, just before it


class Thinning:
    """One viewer's. Call `adapt()` with its lag, then ask for one run after the other."""

    __slots__ = ("_broken", "_level", "is_active")

    def __init__(self) -> None:
        self.is_active = False  # whether anything may be left out
        self._level = _EVERYTHING
        self._broken = False  # until the next keyframe, for want of what was left out

    def adapt(self, lag_ms: float, ceiling_ms: int) -> None:
        """Choose what is left out from now on."""
        if lag_ms >= ceiling_ms * SPARE_PICTURES:
            self._level = _NO_PICTURES
        elif lag_ms >= ceiling_ms * SPARE_DISPOSABLE:
            self._level = _REFERRED_TO
        elif lag_ms >= ceiling_ms * CALM:
            self._level = min(self._level, _REFERRED_TO)
        else:
            self._level = _EVERYTHING
        self.is_active = self._broken or self._level > _EVERYTHING

    def next_run(self, segment: Segment, position: int, end: int) -> Run:
        """What is sent next of the entries between two positions; nothing if all are left out."""
        flags, ends, origin = segment.flags, segment.ends, segment.origin
        first = index = segment.entry_at(position)
        while position < end and self.leaves_out(flags[index]):
            position = origin + ends[index]
            index += 1
        start, left_out = position, index - first
        if position < end:
            position = origin + ends[index]
            while position < end and self.sends(flags[index := index + 1]):
                position = origin + ends[index]
        return Run(start, position, left_out)

    def leaves_out(self, flags: int) -> bool:
        """Whether the next entry is left out. To be asked once for each, in order.

        A keyframe is always sent: where even that and the sound are too much, the viewer jumps.
        """
        if not flags & Flag.VIDEO or flags & Flag.CONFIG:
            return False
        if flags & SYNC:  # of other tracks than the first, keyframes alone are no place to start
            self._level = min(self._level, _REFERRED_TO)
            self._broken = False
            return False
        if self.sends(flags):
            return False
        self._broken = self._broken or not flags & Flag.DISPOSABLE
        return True

    def sends(self, flags: int) -> bool:
        """Whether an entry behind one that is sent is so too, and changes nothing."""
        if not flags & Flag.VIDEO or flags & Flag.CONFIG:
            return True
        if flags & Flag.DISPOSABLE and self._level > _EVERYTHING:
            return False
        return not self._broken and self._level < _NO_PICTURES
