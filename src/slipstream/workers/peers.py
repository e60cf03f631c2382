"""How the workers of one server ask each other: questions by name, answers as plain data.

What is asked and what it means is settled by those who answer; here it is only passed on.
Arguments and answers are what JSON can carry.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any, Protocol


class Peers(Protocol):
    """All workers of the server, this one included."""

    async def ask_all(self, question: str, **arguments: Any) -> list[Any]:
        """Return the answers of all workers, this one's first.

        Those that do not answer within a second are left out.
        """

    async def ask_home(self, stream: str, question: str, **arguments: Any) -> Any | None:
        """Return the answer of the worker that has a stream's publishers; None if none has."""

    def answer_with(self, question: str, answer: Callable[..., Any]) -> None:
        """Settle how this worker answers a question: by calling `answer(**arguments)`.

        What it returns is the answer, or an awaitable of it.
        """


class AlonePeers:
    """The only worker: what it asks, it answers itself."""

    def __init__(self) -> None:
        self._answers: dict[str, Callable[..., Any]] = {}

    async def ask_all(self, question: str, **arguments: Any) -> list[Any]:
        """Return our own answer, in a list."""
        return [await given(self._answers[question](**arguments))]

    async def ask_home(self, stream: str, question: str, **arguments: Any) -> Any | None:  # noqa: ARG002
        """Return our own answer: every stream's publishers are here."""
        return await given(self._answers[question](**arguments))

    def answer_with(self, question: str, answer: Callable[..., Any]) -> None:
        """Settle how a question is answered."""
        self._answers[question] = answer


async def given(answer: Any) -> Any:
    """Return an answer that is there, or wait for one that takes its time."""
    return await answer if isawaitable(answer) else answer
