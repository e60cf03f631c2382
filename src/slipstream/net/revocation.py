"""Ends those whose credential is good for nothing any more: disabled, removed, expired.

Whoever was let in by something that can be taken back is held here while it lasts, and the gate is
asked about all of them once a second. How many are ended in one turn of the loop is limited, since
a key may have let in thousands.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple, Protocol

import structlog

from slipstream.access import NO_GRANT, Action, Gate, Grant

log = structlog.get_logger()

PER_TURN = 10  # each costs 0.2 ms


class Holder(Protocol):
    """Who publishes or plays."""

    @property
    def connection_id(self) -> str:
        """As in the log."""

    def revoke(self, reason: str) -> None:
        """Tell the far end, and end."""


class _Held(NamedTuple):
    stream: str
    action: Action
    grant: Grant


class Revocations:
    """One for a worker: `hold()` whom the gate has let in, `look()` once a second.

    Args:
        gate: knows what holds.
        loop: of the worker.
    """

    def __init__(self, gate: Gate, loop: asyncio.AbstractEventLoop) -> None:
        self._gate = gate
        self._loop = loop
        self._held: dict[Holder, _Held] = {}
        self._due: deque[tuple[Holder, str]] = deque()

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, holder: Holder, stream: str, action: Action, grant: Grant) -> None:
        """Somebody does something from now on, until `release()`.

        Args:
            holder: who.
            stream: with which stream.
            action: what it does.
            grant: what it was let in by; what cannot be taken back is not looked at.
        """
        if grant != NO_GRANT:
            self._held[holder] = _Held(stream, action, grant)

    def release(self, holder: Holder) -> None:
        """It does so no more."""
        self._held.pop(holder, None)

    def look(self) -> None:
        """End those who must not go on."""
        if self._due:
            return
        reasons = {held: self._gate.revoked(*held) for held in set(self._held.values())}
        self._due.extend(
            (holder, reasons[held]) for holder, held in self._held.items() if reasons[held]
        )
        self._end_some()

    def _end_some(self) -> None:
        for _ in range(min(PER_TURN, len(self._due))):
            holder, reason = self._due.popleft()
            held = self._held.pop(holder, None)
            if held is not None:
                log.info(
                    f"{held.action}.revoked",
                    id=holder.connection_id,
                    stream=held.stream,
                    reason=reason,
                )
                holder.revoke(reason)
        if self._due:
            self._loop.call_soon(self._end_some)
