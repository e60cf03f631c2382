"""A worker's part in reloading the configuration: the supervisor reads it and tells everybody.

What the configuration says is passed on as text; whoever knows it is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from slipstream.workers.line import Line
from slipstream.workers.messages import Configure, Reload, Reloaded
from slipstream.workers.packets import Packet

PATIENCE_S = 5.0  # for a supervisor, which may have to be started first

Told = Callable[[str, Sequence[str]], None]


class Configuring:
    """Set `on_told`; `reload()` at will.

    Attributes:
        on_told: called with the configuration in force, as JSON, and with the settings that wait
            for a replacement.

    Args:
        line: to the supervisor.
        loop: of the worker.
        keep: called with the configuration in force, for a supervisor that may have to be made.
    """

    def __init__(
        self, line: Line, loop: asyncio.AbstractEventLoop, keep: Callable[[str], None]
    ) -> None:
        self.on_told: Told = _nothing
        self._line = line
        self._loop = loop
        self._keep = keep
        self._tickets = count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any] | None]] = {}
        line.on(Configure, self._on_configure)
        line.on(Reloaded, self._on_reloaded)

    async def reload(self) -> dict[str, Any] | None:
        """Have the configuration read again; what came of it, or None if nobody answers."""
        ticket = next(self._tickets)
        future: asyncio.Future[dict[str, Any] | None] = self._loop.create_future()
        self._asked[ticket] = future
        timer = self._loop.call_later(PATIENCE_S, self._finish, ticket, None)
        self._line.send(Reload(ticket))
        try:
            return await future
        finally:
            timer.cancel()
            self._asked.pop(ticket, None)

    def _on_configure(self, message: Configure, _: Packet) -> None:
        self._keep(message.config)
        self.on_told(message.config, message.pending)

    def _on_reloaded(self, message: Reloaded, _: Packet) -> None:
        self._finish(message.ticket, message.report)

    def _finish(self, ticket: int, report: dict[str, Any] | None) -> None:
        future = self._asked.pop(ticket, None)
        if future is not None and not future.done():
            future.set_result(report)


def _nothing(_: str, __: Sequence[str]) -> None:
    """Until somebody wants to know."""
