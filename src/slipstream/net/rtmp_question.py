"""One question of an RTMP connection that others must answer: may it publish or play?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from slipstream.access import Decision, Request
from slipstream.rtmp import Event

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession


class RtmpQuestion:
    """Call `begin()`; until the answer comes, events of the connection are held here.

    Args:
        session: of the connection.
        request: what it asks for.
        then: gets the answer, unless the connection has ended.
    """

    __slots__ = ("_request", "_session", "_task", "_then", "held")

    def __init__(
        self, session: RtmpSession, request: Request, then: Callable[[Decision], None]
    ) -> None:
        self.held: list[Event] = []
        self._session = session
        self._request = request
        self._then = then
        self._task: asyncio.Task[Decision] | None = None

    def begin(self) -> None:
        """Ask."""
        session = self._session
        session.waiting = self
        if not session.publishers:
            session.link.stop_watching()  # what comes would have to be held
        services = session.services
        asking = services.gate.ask(self._request, services.loop.time())
        self._task = services.loop.create_task(asking)
        self._task.add_done_callback(self._on_answer)

    def _on_answer(self, task: asyncio.Task[Decision]) -> None:
        session = self._session
        session.waiting = None
        if session.link.is_closing or task.cancelled():
            return
        if not session.publishers:
            session.link.start()
        self._then(task.result())
        session.handle(self.held, session.services.loop.time())
        session.flush()
