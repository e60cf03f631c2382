"""The reels of one worker: made by child processes when they are asked for, kept for a while.

Streams of the same shape that show the same share one. A few children run at a time, the rest
wait. One that fails is told in one line, and tried again after a while that doubles.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fractions import Fraction

import structlog

from slipstream.errors import SlipstreamError
from slipstream.transcode.child import FlvChild
from slipstream.transcode.order import Order
from slipstream.transcode.reel import Reel

log = structlog.get_logger()

MAX_CHILDREN = 4  # each with 40 to 200 MB
MAX_BYTES = 128 << 20  # of all reels
KEPT_S = 600.0  # a reel that nobody has played for so long is let go, and its file read anew
SILENT_S = 20.0  # a child that writes nothing for so long is stuck: a dead network drive
AGAIN_S, MAX_AGAIN_S = 5.0, 300.0  # from one attempt to the next
STOP_S = 2.0  # for children to be gone; a killed one can still hang in a dead network drive
CHILD = "slipstream.transcode.slate_child"


@dataclass(slots=True)
class _Entry:
    reel: Reel
    reserved: int  # bytes that it may still grow to
    users: int = 0
    unused_since: float = 0.0
    making: asyncio.Task[None] | None = None

    @property
    def bytes(self) -> int:
        return self.reel.bytes if self.reel.complete else self.reserved


@dataclass(slots=True)
class _Failure:
    again_at: float
    delay_s: float
    reason: str


class Reels:
    """Call `take()` and `give_back()` for each use, `tick()` now and then, `stop()` once.

    Args:
        max_children: that run at the same time.
        max_bytes: of all reels together.
    """

    def __init__(self, *, max_children: int = MAX_CHILDREN, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._places = asyncio.Semaphore(max_children)
        self._entries: dict[Order, _Entry] = {}
        self._failures: dict[Order, _Failure] = {}

    def take(self, order: Order, now: float) -> Reel | None:
        """Return a reel, complete, growing or still to be begun; None if it must wait."""
        entry = self._entries.get(order)
        if entry is None:
            entry = self._begin(order, now)
            if entry is None:
                return None
        entry.users += 1
        return entry.reel

    def give_back(self, order: Order, reel: Reel, now: float) -> None:
        """A reel that was taken is needed no more."""
        entry = self._entries.get(order)
        if entry is None or entry.reel is not reel:
            return  # it has failed
        entry.users -= 1
        entry.unused_since = now
        if not entry.users and entry.making is not None:
            entry.making.cancel()
            del self._entries[order]

    def tick(self, now: float) -> None:
        """Let go of what has not been needed for a while."""
        for order, entry in list(self._entries.items()):
            if not entry.users and now - entry.unused_since >= KEPT_S:
                del self._entries[order]
        for order, failure in list(self._failures.items()):
            if now >= failure.again_at + MAX_AGAIN_S:
                del self._failures[order]

    async def stop(self) -> None:
        """End all children."""
        tasks = [entry.making for entry in self._entries.values() if entry.making is not None]
        self._entries.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)

    def _begin(self, order: Order, now: float) -> _Entry | None:
        failure = self._failures.get(order)
        if failure is not None and now < failure.again_at:
            return None
        if not self._make_room(order.max_bytes):
            self._fail(order, f"slates have {self._max_bytes} bytes of memory, the limit", now)
            return None
        picture = order.shape.picture
        entry = _Entry(Reel(picture.rate if picture else Fraction(1)), order.max_bytes)
        entry.making = asyncio.create_task(self._make(order, entry))
        self._entries[order] = entry
        return entry

    def _make_room(self, size: int) -> bool:
        """Let unused reels go, the longest unused first, until so many bytes are free."""
        unused = [(e.unused_since, order) for order, e in self._entries.items() if not e.users]
        unused.sort(key=lambda item: item[0])
        free = self._max_bytes - sum(entry.bytes for entry in self._entries.values())
        for _, order in unused:
            if free >= size:
                break
            free += self._entries.pop(order).bytes
        return free >= size

    async def _make(self, order: Order, entry: _Entry) -> None:
        reason = ""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with self._places:
                await self._run_child(order, entry.reel)
        except TimeoutError:
            reason = f"{order.source}: nothing came for {SILENT_S:g} s"
        except (SlipstreamError, OSError) as error:
            reason = str(error)
        entry.making = None
        if not reason and not entry.reel.ready:
            reason = f"{order.source}: nothing came of it"
        if reason:
            entry.reel.failed = True
            self._entries.pop(order, None)
            self._fail(order, reason, loop.time())
            return
        self._failures.pop(order, None)
        log.info(
            "slate.made",
            source=order.source,
            seconds=round(float(entry.reel.length_s), 1),
            bytes=entry.reel.bytes,
            took_s=round(loop.time() - began, 1),
        )

    async def _run_child(self, order: Order, reel: Reel) -> None:
        async with FlvChild(CHILD, order.to_json(), name=order.source) as child:
            while True:
                async with asyncio.timeout(SILENT_S):
                    tags = await child.read()
                if not tags:
                    break
                was_ready = reel.ready
                reel.add(tags)
                if reel.ready and not was_ready:
                    child.give_way()  # nobody waits for it any more
            reel.finish()
        for note in child.notes:
            log.warning("slate.note", source=order.source, note=note)

    def _fail(self, order: Order, reason: str, now: float) -> None:
        failure = self._failures.get(order)
        delay_s = AGAIN_S if failure is None else min(failure.delay_s * 2, MAX_AGAIN_S)
        if failure is None or failure.reason != reason:
            log.warning("slate.failed", reason=reason, again_in_s=delay_s)
        self._failures[order] = _Failure(now + delay_s, delay_s, reason)
