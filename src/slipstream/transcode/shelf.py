"""What was made of streams' newest keyframes, kept as long as it is asked for.

Of a stream something is made at most once a second, for all who have asked by then, and in all
the widths that were wanted lately; who asks within that second gets what there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from slipstream.errors import SlipstreamError

INTERVAL_S = 1.0
KEPT_S = 10.0  # what nobody has asked for in so long is let go
MAX_BYTES = 32 << 20  # of all JPEGs


@dataclass(frozen=True, slots=True)
class Prints:
    """What was made of one keyframe.

    Args:
        digest: of the keyframe.
        jpegs: by the width that they were asked for with; may be none.
        failure: why there are none, and never will be.
    """

    digest: str = ""
    jpegs: Mapping[int, bytes] = field(default_factory=dict)
    failure: SlipstreamError | None = None

    def settles(self, widths: Collection[int]) -> bool:
        """Whether of this keyframe nothing more is to be made for these widths."""
        return self.failure is not None or all(width in self.jpegs for width in widths)


NOTHING = Prints()
Make = Callable[[str, Sequence[int], Prints], Awaitable[Prints]]


@dataclass(slots=True)
class _Entry:
    prints: Prints = NOTHING
    error: SlipstreamError | None = None
    """Of the last attempt, if nothing came of it."""
    wanted: dict[int, float] = field(default_factory=dict)
    """When each width was asked for."""
    began_at: float = float("-inf")
    making: asyncio.Task[None] | None = None

    @property
    def bytes(self) -> int:
        return sum(map(len, self.prints.jpegs.values()))

    def settles(self, widths: Collection[int]) -> bool:
        """Whether it has what is wanted, or why there is none."""
        return self.error is not None or self.prints.settles(widths)


class Shelf:
    """Call `get()`, and `stop()` once.

    Args:
        make: called with a stream, widths, and what is there already; returns that again if
            nothing is newer. Raises a SlipstreamError if nothing can be made now.
        interval_s: from one call of it for a stream to the next.
        kept_s: how long what nobody asks for is kept.
        max_bytes: of all JPEGs.
    """

    def __init__(
        self,
        make: Make,
        *,
        interval_s: float = INTERVAL_S,
        kept_s: float = KEPT_S,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._make = make
        self._interval_s = interval_s
        self._kept_s = kept_s
        self._max_bytes = max_bytes
        self._entries: dict[str, _Entry] = {}  # that was asked for longest ago first
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def streams(self) -> Collection[str]:
        """Of which anything is kept."""
        return self._entries.keys()

    async def get(self, stream: str, widths: Collection[int]) -> Prints:
        """Return what was made of the newest keyframe, in these widths at least.

        Raises:
            SlipstreamError: nothing was, as `make` has said.
        """
        entry = self._entries.pop(stream, None) or _Entry()
        self._entries[stream] = entry
        entry.wanted.update(dict.fromkeys(widths, self._loop.time()))
        self._tidy_later()
        if entry.making is None and not self._must_do(entry, widths):
            self._begin(stream, entry)
        while entry.making is not None:
            # Whoever waits may leave; the others still want it.
            await asyncio.shield(entry.making)
            if entry.making is None and not entry.settles(widths):
                self._begin(stream, entry)  # asked for when the others were being made already
        error = entry.error or entry.prints.failure
        if error is not None:
            raise error
        return entry.prints

    async def stop(self) -> None:
        """Make nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        tasks = [entry.making for entry in self._entries.values() if entry.making is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _must_do(self, entry: _Entry, widths: Collection[int]) -> bool:
        """Whether what there is is so new that nothing is made."""
        return self._loop.time() < entry.began_at + self._interval_s and entry.settles(widths)

    def _begin(self, stream: str, entry: _Entry) -> None:
        entry.making = self._loop.create_task(self._refresh(stream, entry))

    async def _refresh(self, stream: str, entry: _Entry) -> None:
        try:
            await asyncio.sleep(entry.began_at + self._interval_s - self._loop.time())
            entry.began_at = now = self._loop.time()
            for width, asked_at in list(entry.wanted.items()):
                if now - asked_at >= self._kept_s:
                    del entry.wanted[width]
            widths = sorted(entry.wanted)
            prints = await self._make(stream, widths, entry.prints)
            complete = prints.settles(widths)
            entry.prints = prints
            entry.error = None if complete else SlipstreamError("some widths were not made")
        except SlipstreamError as error:
            entry.error = error
        except asyncio.CancelledError:
            entry.error = SlipstreamError("the server is stopping")
        finally:
            entry.making = None
        self._make_room(entry)

    def _make_room(self, newest: _Entry) -> None:
        total = sum(entry.bytes for entry in self._entries.values())
        for entry in self._entries.values():
            if total <= self._max_bytes:
                break
            if entry is not newest:
                total -= entry.bytes
                entry.prints = NOTHING

    def _tidy_later(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._kept_s, self._tidy)

    def _tidy(self) -> None:
        """Let go of what nobody asks for."""
        self._timer = None
        now = self._loop.time()
        for stream, entry in list(self._entries.items()):
            if entry.making is None and now - max(entry.wanted.values(), default=0) >= self._kept_s:
                del self._entries[stream]
        if self._entries:
            self._tidy_later()
