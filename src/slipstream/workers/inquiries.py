"""Questions to the other workers, by way of the supervisor; see `peers`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from itertools import count
from typing import Any

from slipstream.workers.line import Line
from slipstream.workers.messages import Answer, Answered, Ask, Question
from slipstream.workers.packets import Packet
from slipstream.workers.peers import given

PATIENCE_S = 1.5  # the supervisor waits 1 s; without one, nobody answers


class LinePeers:
    """The `Peers` of a server of several workers."""

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop) -> None:
        self._line = line
        self._loop = loop
        self._tickets = count(1)
        self._asked: dict[int, asyncio.Future[list[Any]]] = {}
        self._answers: dict[str, Callable[..., Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        line.on(Question, self._on_question)
        line.on(Answered, self._on_answered)

    async def ask_all(self, question: str, **arguments: Any) -> list[Any]:
        """Return the answers of all workers, this one's first."""
        others = self._ask(question, arguments, "")
        own = await given(self._answers[question](**arguments))
        return [own, *await others]

    async def ask_home(self, stream: str, question: str, **arguments: Any) -> Any | None:
        """Return the answer of the worker that has a stream's publishers; None if none has."""
        answers = await self._ask(question, arguments, stream)
        return answers[0] if answers else None

    def answer_with(self, question: str, answer: Callable[..., Any]) -> None:
        """Settle how this worker answers a question."""
        self._answers[question] = answer

    def _ask(
        self, question: str, arguments: dict[str, Any], stream: str
    ) -> asyncio.Future[list[Any]]:
        ticket = next(self._tickets)
        future = self._asked[ticket] = self._loop.create_future()
        self._line.send(Ask(ticket, question, arguments, stream))
        self._loop.call_later(PATIENCE_S, self._finish, ticket, [])
        return future

    def _on_question(self, message: Question, _: Packet) -> None:
        answer = self._answers.get(message.question)
        if answer is None:
            return
        value = answer(**message.arguments)
        if isawaitable(value):
            task = self._loop.create_task(self._answer_later(message.ticket, value))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        else:
            self._line.send(Answer(message.ticket, value))

    async def _answer_later(self, ticket: int, value: Awaitable[Any]) -> None:
        self._line.send(Answer(ticket, await value))

    def _on_answered(self, message: Answered, _: Packet) -> None:
        self._finish(message.ticket, message.values)

    def _finish(self, ticket: int, values: list[Any]) -> None:
        future = self._asked.pop(ticket, None)
        if future is not None and not future.done():
            future.set_result(values)
