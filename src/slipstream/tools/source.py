"""What is published: a file or the test picture, as FLV tags out of a child process.

The child (see `feed`) demuxes, decodes and encodes; here its output is read and parsed. The
pipe between the two is what holds it back: it is never further ahead than the pipe is long.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections import deque
from types import TracebackType
from typing import Self

from slipstream.errors import SlipstreamError
from slipstream.media import FlvParser, FlvTag
from slipstream.tools import TEST

READ_BYTES = 64 << 10
MAX_NOTES = 20  # lines
LENGTH = "length: "


class Source:
    """An asynchronous context manager that runs the child; `read()` until it returns nothing.

    Args:
        name: anything that FFmpeg's libraries can open, or "test".
        loop: begin again at the end.

    Attributes:
        notes: what is done with each track, a line each.
        length_s: how long it is; None if nobody knows, or without end.
    """

    def __init__(self, name: str, *, loop: bool = False) -> None:
        self.name = name
        self.notes: deque[str] = deque(maxlen=MAX_NOTES)
        self.length_s: float | None = None
        self._flags = ["--loop"] if loop else []
        self._parser = FlvParser()
        self._child: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def is_live(self) -> bool:
        """Whether it comes when it is made, and cannot be read ahead."""
        return self.name == TEST

    async def __aenter__(self) -> Self:
        # A session of its own, so that Ctrl-C reaches us alone, and we end the child.
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "slipstream.tools.feed", self.name, *self._flags),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._child is not None
        assert self._child.stdout is not None
        assert self._listening is not None
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()  # it has nothing to lose
        # asyncio sees a child's end when its pipes have ended, and a full one never would.
        await self._child.stdout.read()
        await self._listening
        await self._child.wait()

    async def read(self) -> list[FlvTag]:
        """Return the tags that come next, as soon as they are there; none at the end.

        Raises:
            SlipstreamError: the source cannot be read.
        """
        assert self._child is not None
        assert self._child.stdout is not None
        while data := await self._child.stdout.read(READ_BYTES):
            if tags := self._parser.receive_data(data):
                return tags
        await self._check_end(self._child)
        return []

    async def _check_end(self, child: asyncio.subprocess.Process) -> None:
        assert self._listening is not None
        await self._listening
        code = await child.wait()
        if code < 0:
            raise SlipstreamError(f"{self.name}: reading it failed by {signal.Signals(-code).name}")
        if code > 0:
            raise SlipstreamError(f"{self.name}: {self.notes[-1] if self.notes else 'no reason'}")

    async def _listen(self) -> None:
        """Take in what the child says of itself."""
        assert self._child is not None
        assert self._child.stderr is not None
        async for line in self._child.stderr:
            text = line.decode(errors="replace").strip()
            if text.startswith(LENGTH):
                self.length_s = float(text.removeprefix(LENGTH))
            elif text:
                self.notes.append(text)
