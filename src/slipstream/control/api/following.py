"""An endless answer: what comes, as it comes, as server-sent events (HTML standard, §9.2).

Nothing is kept for a reader but the place it has read to: it is written to only while it takes
what is written, and ended if it takes nothing for ten seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import structlog
from aiohttp import web

from slipstream.control.api.document import EVENT_STREAM
from slipstream.control.api.problems import ProblemError
from slipstream.control.api.route import Call
from slipstream.control.reports.merge import Answer
from slipstream.control.reports.tail import News, Position, Tail, Where
from slipstream.http.access import peer_address

log = structlog.get_logger()

LOOK_S = 0.25
HEARTBEAT_S = 15.0  # proxies end what is silent for a minute
PATIENCE_S = 10.0
RETRY_MS = 2000
MAX_FOLLOWERS = 64  # of one worker, each with what the kernel and 64 KB hold for it
HEADERS = {
    "Content-Type": EVENT_STREAM,
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold it back
}


class Following:
    """Those who follow, in this worker.

    Attributes:
        count: how many they are.

    Args:
        is_open: whether they may stay.
    """

    def __init__(self, is_open: Callable[[], bool]) -> None:
        self._is_open = is_open
        self.count = 0

    async def follow(
        self,
        call: Call,
        tail: Tail[Any],
        where: Where,
        *,
        newest: int,
        name: Callable[[Answer], str],
    ) -> web.StreamResponse:
        """Answer until somebody has left.

        Args:
            call: theirs; `Last-Event-ID` is where they go on.
            tail: what comes.
            where: of what they want to know.
            newest: how much of what has come they get first, if they are new.
            name: of an event.
        """
        if self.count >= MAX_FOLLOWERS:
            raise ProblemError(503, f"{MAX_FOLLOWERS} follow already, the limit")
        self.count += 1
        try:
            return await self._follow(call, tail, where, newest, name)
        finally:
            self.count -= 1

    async def _follow(
        self, call: Call, tail: Tail[Any], where: Where, newest: int, name: Callable[[Answer], str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        try:
            await response.prepare(call.request)
        except ConnectionError:  # it has left already
            return response
        position = Position.parse(call.request.headers.get("Last-Event-ID", ""))
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        text = f"retry: {RETRY_MS}\n\n"
        while self._is_open() and call.is_allowed() and not _has_left(call.request):
            news = await tail.news(position, where, newest)
            position = news.position
            text += _written(news, name)
            if not text and loop.time() - heard_at >= HEARTBEAT_S:
                text = ":\n\n"
            if text:
                heard_at = loop.time()
                if not await _sent(response, text, call):
                    break
                text = ""
            await asyncio.sleep(LOOK_S)
        return response


def _written(news: News, name: Callable[[Answer], str]) -> str:
    text = ""
    if news.missed:
        text = f'event: missed\ndata: {{"missed":{news.missed}}}\n\n'
    for place, item in news.items:
        text += f"id: {place}\nevent: {name(item)}\ndata: {orjson.dumps(item).decode()}\n\n"
    return text


async def _sent(response: web.StreamResponse, text: str, call: Call) -> bool:
    """Whether it was taken; if not, the connection is at its end."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await response.write(text.encode())
    except ConnectionError:
        return False
    except TimeoutError:
        log.info("api.slow_reader", address=peer_address(call.request), path=call.request.path)
        if call.request.transport is not None:
            call.request.transport.abort()
        return False
    return True


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def wants_to_follow(call: Call) -> bool:
    """Whether an endless answer is asked for."""
    return EVENT_STREAM in call.request.headers.get("Accept", "")
