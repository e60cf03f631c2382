"""Questions that only workers of the same version ask each other, answered in plain JSON.

While a server is being replaced, workers of two versions share it: one may tell of what the
other does not know, so it does not answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from inspect import isawaitable
from typing import Any

import orjson

from slipstream import __version__
from slipstream.workers.peers import Peers


class Questions:
    """Settle the answers of this worker, ask all of them.

    Args:
        peers: all workers.
    """

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    def answer_with(self, question: str, make: Callable[..., object]) -> None:
        """Answer with what `make(**arguments)` returns, or with what it is an awaitable of."""
        self._peers.answer_with(question, partial(_answer, make))

    async def ask(self, question: str, **arguments: Any) -> list[Any]:
        """The answers of all workers that have one, this one's first."""
        answers = await self._peers.ask_all(question, version=__version__, **arguments)
        return [answer for answer in answers if answer is not None]

    async def ask_home(self, stream: str, question: str, **arguments: Any) -> Any | None:
        """The answer of the worker that has a stream's publishers; None if there is none."""
        return await self._peers.ask_home(stream, question, version=__version__, **arguments)


def _answer(make: Callable[..., object], version: str, **arguments: Any) -> object:
    if version != __version__:
        return None
    made = make(**arguments)
    return _later(made) if isawaitable(made) else _plain(made)


async def _later(made: Awaitable[object]) -> object:
    return _plain(await made)


def _plain(made: object) -> object:
    """As other workers get it: nothing but what JSON has."""
    return orjson.loads(orjson.dumps(made))
