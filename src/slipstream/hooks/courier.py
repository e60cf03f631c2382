"""Takes events to the outbox, and from there to whoever is to be told.

A message leaves the outbox when the receiver has said 2xx, or that it will never take it; so one
whose answer was lost comes again, with the same id.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar, TypeVarTuple, Unpack

import structlog

from slipstream.hooks.lanes import Lanes
from slipstream.hooks.outbox import Entry, Message, Outbox
from slipstream.hooks.sender import PostError, Sender
from slipstream.hooks.settings import HookSettings
from slipstream.hooks.signature import signed_headers

log = structlog.get_logger()

LOOK_S = 1.0  # how often another process's messages, and its lock, are looked for
NEVER = (400, 410, 413, 415, 422)  # the message itself is not taken, however often it comes

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class Courier:
    """Call `start()`, `tell()` whenever something happens, and `stop()` in the end.

    Attributes:
        sent: events that have been taken.
        failed: attempts that were not.
        dropped: events that never were: too old, too many, or refused for good.

    Args:
        outbox: of this worker; becomes ours.
        sender: posts.
        settings_of: by the stream's name.
        places: how many outboxes there are, and which is ours.
        gives_way: whether the worker is being replaced, and its successor is to deliver.
    """

    def __init__(
        self,
        outbox: Outbox,
        sender: Sender,
        settings_of: Callable[[str], HookSettings],
        *,
        places: tuple[int, int] = (1, 0),
        gives_way: Callable[[], bool] = bool,
    ) -> None:
        self.sent = self.failed = self.dropped = 0
        self._outbox = outbox
        self._sender = sender
        self._settings_of = settings_of
        self._places = places
        self._gives_way = gives_way
        self._lanes = Lanes(self._url_of, random.random)
        self._told: list[Message] = []
        self._seen = 0  # the highest number that is in the lanes
        self._delivers = False
        self._is_open = False
        self._ending = False
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._work: asyncio.Task[None] | None = None
        self._deliveries: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Events that are still to be delivered, as far as this worker knows."""
        return self._lanes.count + len(self._told)

    def start(self) -> None:
        """Begin with what is there from before."""
        self._work = asyncio.get_running_loop().create_task(self._run())

    def tell(self, message: Message) -> None:
        """Have it delivered. It is on disk a moment later."""
        if len(self._told) >= self._settings_of("").max_waiting:  # the disk stands still
            self.dropped += 1
            return
        self._told.append(message)
        self._wake.set()

    async def stop(self, within_s: float) -> None:
        """Deliver what goes at once; the rest stays on disk."""
        self._ending = True
        self._wake.set()
        if self._work is not None:
            await asyncio.wait((self._work,), timeout=within_s)
        tasks = [task for task in (self._work, *self._deliveries) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._write()
        except (sqlite3.Error, OSError) as error:
            self._say_failed(error)
        await self._in_thread(self._outbox.close)
        self._thread.shutdown(wait=False)

    # The one task

    async def _run(self) -> None:
        while not self._ending or self._told or not self._lanes.is_idle:
            try:
                await self._turn()
            except (sqlite3.Error, OSError) as error:
                self._say_failed(error)
                if self._ending:
                    return
                await asyncio.sleep(LOOK_S)
            except Exception:
                log.exception("hooks.bug")
                await asyncio.sleep(LOOK_S)
            if not self._told:
                await self._rest()

    async def _turn(self) -> None:
        """Write what was told, see what there is, and send what may go."""
        if not self._told and not self._is_open and not self._outbox.path.parent.exists():
            return  # nothing has ever been told
        await self._write()
        if self._gives_way() and not self._ending:
            await self._give_way()
        elif self._delivers or await self._in_thread(self._outbox.take):
            self._delivers = True
            entries = await self._in_thread(self._outbox.entries, self._seen)
            if entries:
                self._seen = entries[-1].number
                self._lanes.put(entries)
            self._send()

    async def _write(self) -> None:
        told, self._told = self._told, []
        try:
            if not self._is_open and (told or not self._ending):
                await self._in_thread(self._outbox.open)
                self._is_open = True
                await self._in_thread(self._outbox.adopt, *self._places)
            self._outbox.max_waiting = self._settings_of("").max_waiting
            made_room = await self._in_thread(self._outbox.add, told) if told else 0
        except (sqlite3.Error, OSError):
            self.dropped += len(told)
            raise
        if made_room:
            self.dropped += made_room
            log.warning("hooks.outbox_full", dropped=made_room)
            self._lanes.forget(await self._in_thread(self._outbox.first))

    async def _rest(self) -> None:
        """Until something is told or has arrived, a lane has rested, or it is time to look."""
        if self._ending and self._lanes.is_idle:
            return
        wait_s = LOOK_S if self._places[0] > 1 else None
        wakes_at = self._lanes.wakes_at()
        if wakes_at is not None:
            wait_s = min(max(wakes_at - self._now(), 0.0), LOOK_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        self._wake.clear()

    def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while (turn := self._lanes.next(self._now())) is not None:
            task = loop.create_task(self._deliver(*turn))
            self._deliveries.add(task)
            task.add_done_callback(self._deliveries.discard)

    async def _give_way(self) -> None:
        """Let the successor deliver, once nothing is under way."""
        if self._delivers and not self._deliveries:
            self._delivers, self._seen = False, 0
            self._lanes = Lanes(self._url_of, random.random)
            await self._in_thread(self._outbox.release)

    # One message

    async def _deliver(self, entry: Entry, url: str) -> None:
        try:
            settled = await self._attempt(entry, url)
            if settled:
                await self._in_thread(self._outbox.remove, entry.number)
        except (sqlite3.Error, OSError) as error:
            self._say_failed(error)
            settled = False
        except Exception:
            log.exception("hooks.bug")  # its stream waits, and no other does
            settled = False
        if settled:
            self._lanes.done(entry, url)
        else:
            self._lanes.failed(entry, url, self._now())
        self._wake.set()

    async def _attempt(self, entry: Entry, url: str) -> bool:
        """Whether it need not be tried again."""
        message = await self._in_thread(self._outbox.read, entry.number)
        if message is None:  # it had to make room
            return True
        settings = self._settings_of(entry.stream)
        now_s = time.time()
        if not url or now_s - message.at_s > settings.max_age_s:
            self._drop(message, "nobody is to be told any more" if not url else "too old")
            return True
        headers = {
            "Content-Type": message.content_type,
            **signed_headers(message.id, message.body, int(now_s), settings.secret),
        }
        try:
            answered = await self._sender.post(url, message.body, headers, settings.timeout_s)
        except PostError as error:
            return self._not_taken(message, str(error))
        if 200 <= answered.status < 300:
            self.sent += 1
            return True
        reason = f"answered with the status {answered.status}"
        if answered.status in NEVER:
            self.failed += 1
            self._drop(message, reason)
            return True
        return self._not_taken(message, reason)

    def _not_taken(self, message: Message, reason: str) -> bool:
        self.failed += 1
        log.warning("hooks.failed", event_id=message.id, stream=message.stream, reason=reason)
        return False

    def _drop(self, message: Message, reason: str) -> None:
        self.dropped += 1
        log.warning(
            "hooks.dropped",
            event_id=message.id,
            what=message.event,
            stream=message.stream,
            reason=reason,
        )

    # Inside

    async def _in_thread(
        self, function: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments
    ) -> Result:
        """Do what waits for the disk where nobody waits for it, even if we are cancelled."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, function, *arguments))

    def _say_failed(self, error: Exception) -> None:
        log.warning("hooks.outbox_failed", path=str(self._outbox.path), error=str(error))

    def _url_of(self, entry: Entry) -> str:
        return self._settings_of(entry.stream).url_of(entry.event)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
