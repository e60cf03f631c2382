"""The child processes that make one worker's snapshots: few, and none when nobody asks.

A child that has done its work waits a while for more. One that fails, or takes too long, is
killed; that costs the one picture that it was at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from slipstream.errors import SlipstreamError
from slipstream.transcode.child import Child
from slipstream.transcode.keyframe import Keyframe, Outcome

MAX_CHILDREN = 2  # at work at the same time, each with 60 MB or so
MAX_WAITING = 32  # keyframes that wait for one of them
DEADLINE_S = 10.0  # for one keyframe, a child's start included
IDLE_S = 5.0  # then a child is let go
MAX_JPEG_BYTES = 8 << 20
STOP_S = 2.0  # for children to be gone
CHILD = "slipstream.transcode.snapshot_child"


class CrowdedError(SlipstreamError):
    """More keyframes wait than may."""


class UndecodableError(SlipstreamError):
    """A keyframe that no decoder makes a picture of."""


class SnapshotChildren:
    """Call `decode()` for each keyframe, and `stop()` once.

    Args:
        max_children: at work at the same time.
        max_waiting: keyframes that wait for one of them.
        deadline_s: for one keyframe.
        idle_s: how long a child without work stays.
        module: what a child runs.
    """

    def __init__(
        self,
        *,
        max_children: int = MAX_CHILDREN,
        max_waiting: int = MAX_WAITING,
        deadline_s: float = DEADLINE_S,
        idle_s: float = IDLE_S,
        module: str = CHILD,
    ) -> None:
        self._most = max_children + max_waiting
        self._deadline_s = deadline_s
        self._idle_s = idle_s
        self._module = module
        self._places = asyncio.Semaphore(max_children)
        self._asked = 0  # at work, or waiting for it
        self._idle: dict[Child, asyncio.TimerHandle] = {}  # the longest idle first
        self._ending: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def decode(self, keyframe: Keyframe, widths: Sequence[int]) -> list[bytes]:
        """Return the picture as JPEGs, one for each width.

        Raises:
            CrowdedError: come again later.
            UndecodableError: this keyframe is no picture.
            SlipstreamError: the child failed.
        """
        if self._stopped or self._asked >= self._most:
            raise CrowdedError(f"{self._asked} pictures are being made, the limit")
        self._asked += 1
        try:
            async with self._places:
                return await self._decode(keyframe, widths)
        except TimeoutError:
            raise SlipstreamError(f"no picture within {self._deadline_s:g} s") from None
        except OSError as error:  # no process could be started
            raise SlipstreamError(str(error)) from error
        finally:
            self._asked -= 1

    async def stop(self) -> None:
        """End all children that have no work; the others end with theirs."""
        self._stopped = True
        for child in list(self._idle):
            self._let_go(child)
        if self._ending:
            await asyncio.wait(self._ending, timeout=STOP_S)

    async def _decode(self, keyframe: Keyframe, widths: Sequence[int]) -> list[bytes]:
        child = self._take_idle()
        fit = False
        try:
            async with asyncio.timeout(self._deadline_s):
                if child is None:
                    new = Child(self._module, name="the decoder", told=True)
                    child = await new.__aenter__()
                    child.give_way()  # those who watch come first
                jpegs = await _ask(child, keyframe, widths)
            fit = True
        except UndecodableError:
            fit = True
            raise
        finally:
            if child is not None and fit and not self._stopped:
                loop = asyncio.get_running_loop()
                self._idle[child] = loop.call_later(self._idle_s, self._let_go, child)
            elif child is not None:
                self._end(child)
        return jpegs

    def _take_idle(self) -> Child | None:
        while self._idle:
            child, timer = self._idle.popitem()  # the newest, so that the others may go
            timer.cancel()
            if not child.has_ended:
                return child
            self._end(child)
        return None

    def _let_go(self, child: Child) -> None:
        self._idle.pop(child).cancel()
        self._end(child)

    def _end(self, child: Child) -> None:
        task = asyncio.get_running_loop().create_task(child.__aexit__(None, None, None))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _ask(child: Child, keyframe: Keyframe, widths: Sequence[int]) -> list[bytes]:
    await child.tell(keyframe.to_order(widths))
    nonsense = SlipstreamError(f"{child.name} answers nonsense")
    try:
        outcome = Outcome.from_line(await child.read_line())
    except ValueError as error:
        raise nonsense from error
    if outcome.reason:
        raise UndecodableError(outcome.reason)
    if len(outcome.sizes) != len(widths):
        raise nonsense
    if not all(0 < size <= MAX_JPEG_BYTES for size in outcome.sizes):
        raise nonsense
    return [await child.read_exactly(size) for size in outcome.sizes]
