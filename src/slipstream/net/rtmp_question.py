"""One question of an RTMP connection that others must answer: may it connect, publish or play?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from slipstream.access import Decision
from slipstream.rtmp import Event

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession


class RtmpQuestion:
    """Call `begin()`; until the answer comes, events of the connection are held here.

    Args:
        session: of the connection.
        asking: asks, and never raises.
        then: gets the answer, unless the connection has ended.
    """

    __slots__ = ("_asking", "_session", "_task", "_then", "held")

    def __init__(
        self,
        session: RtmpSession,
        asking: Coroutine[Any, Any, Decision],
        then: Callable[[Decision], None],
    ) -> None:
        self.held: list[Event] = []
        self._session = session
        self._asking = asking
        self._then = then
        self._task: asyncio.Task[Decision] | None = None

    def begin(self) -> None:
        """Ask."""
        session = self._session
        session.waiting = self
        if not session.publishers:
            session.link.stop_watching()  # what comes would have to be held
        self._task = session.services.loop.create_task(self._asking)
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
