"""Whether one viewer's connection got its stream: message by message, from its first keyframe on.

    check = StreamCheck()
    check.see(message, arrived_ns)
    check.faults          # in words; empty if all was well
    check.gaps            # moments in which nothing came

What is right: it begins with a keyframe; within a session each number follows the one before;
another session is a later one and begins with its first keyframe; times never go back; every
message is whole.
"""

from __future__ import annotations

from typing import NamedTuple

from bench.load.chunks import Message

from .stream import DamagedError, Stamp, is_keyframe, next_keyframe, read_stamp

GAP_NS = 100_000_000  # longer ones are remembered; messages are due every 20 ms
MAX_FAULTS = 20  # of one connection; a broken one would have thousands


class Gap(NamedTuple):
    """A time between two messages, by CLOCK_MONOTONIC."""

    from_ns: int
    to_ns: int
    sent_ns: int  # between their sendings: a late publisher is nobody else's fault


NO_GAP = Gap(0, 0, 0)


class StreamCheck:
    """Feed it with `see()`.

    Attributes:
        received: messages with a stamp.
        missing: numbers left out within sessions.
        doubled: numbers that came again, or too late.
        began_ns: when the first message came; 0 until then.
        last_ns: when the newest one came.
        worst_delay_ns: from a message's sending to its arrival; the first group, which comes
            from the server's memory, not counted.
        longest: the longest time between two messages.
    """

    def __init__(self) -> None:
        self.received = 0
        self.missing = 0
        self.doubled = 0
        self.began_ns = 0
        self.last_ns = 0
        self.worst_delay_ns = 0
        self.gaps: list[Gap] = []
        self.longest = NO_GAP
        self.faults: list[str] = []
        self._last: Stamp | None = None
        self._timestamp = 0

    def see(self, message: Message, arrived_ns: int) -> None:
        """Check one message; configurations and metadata are let pass."""
        try:
            stamp = read_stamp(message)
        except DamagedError as damage:
            self._tell(f"damaged: {damage}")
            return
        if stamp is None:
            return
        if self._last is None:
            self.began_ns = arrived_ns
            if not is_keyframe(stamp.number):
                self._tell(f"began with message {stamp.number}, which is no keyframe")
        else:
            self._compare(self._last, stamp)
            if message.timestamp < self._timestamp:
                back = f"{self._timestamp} to {message.timestamp} ms"
                self._tell(f"time went back at message {stamp.number}, from {back}")
            gap = Gap(self.last_ns, arrived_ns, stamp.sent_ns - self._last.sent_ns)
            if gap.to_ns - gap.from_ns > self.longest.to_ns - self.longest.from_ns:
                self.longest = gap
            if gap.to_ns - gap.from_ns > GAP_NS:
                self.gaps.append(gap)
            if stamp.sent_ns > self.began_ns:
                self.worst_delay_ns = max(self.worst_delay_ns, arrived_ns - stamp.sent_ns)
        self.received += 1
        self.last_ns = arrived_ns
        self._timestamp = message.timestamp
        self._last = stamp

    def _compare(self, last: Stamp, stamp: Stamp) -> None:
        if stamp.session > last.session:
            first = next_keyframe(stamp.session)
            if stamp.number > first:
                self.missing += stamp.number - first
            if stamp.number != first:
                due = f"with {stamp.number} instead of {first}"
                self._tell(f"session {stamp.session} began {due}")
        elif stamp.session < last.session:
            self._tell(f"session {stamp.session} came after {last.session}")
        elif stamp.number > last.number + 1:
            self.missing += stamp.number - last.number - 1
            self._tell(f"{stamp.number} followed {last.number}: some are missing")
        elif stamp.number <= last.number:
            self.doubled += 1
            self._tell(f"{stamp.number} followed {last.number}: it was there before")

    def _tell(self, fault: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)
