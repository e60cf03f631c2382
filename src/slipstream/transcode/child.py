"""A child process that writes FLV: started, read, and ended without blocking the loop.

What the child does is another module's (see `pipe`). The pipe between the two holds it back:
it is never further ahead of its reader than the pipe is long.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from types import TracebackType
from typing import Self

from slipstream.errors import SlipstreamError
from slipstream.media import FlvParser, FlvTag

READ_BYTES = 64 << 10
MAX_NOTES = 20  # lines
NICENESS = 10  # beside a busy worker: a tenth of its share
PARENT = "SLIPSTREAM_PARENT"  # in the environment of a child: our process id


class FlvChild:
    """An asynchronous context manager that runs the child; `read()` until it returns nothing.

    Args:
        module: to run, as `python -m` would.
        arguments: of it.
        name: of what it reads, for errors.

    Attributes:
        notes: what it says of what it does, a line each.
    """

    def __init__(self, module: str, *arguments: str, name: str) -> None:
        self.name = name
        self.notes: deque[str] = deque(maxlen=MAX_NOTES)
        self._command = (sys.executable, "-P", "-m", module, *arguments)
        self._parser = FlvParser()
        self._child: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        starting = asyncio.ensure_future(self._start())
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # asyncio waits for ever when it is cancelled while it starts a process (3.11, 3.12).
            await starting
            await self.__aexit__(None, None, None)
            raise
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
            SlipstreamError: the child has failed.
        """
        assert self._child is not None
        assert self._child.stdout is not None
        while data := await self._child.stdout.read(READ_BYTES):
            if tags := self._parser.receive_data(data):
                return tags
        await self._check_end(self._child)
        return []

    def give_way(self) -> None:
        """From now on let others have the processors first, those who serve viewers above all."""
        assert self._child is not None
        with contextlib.suppress(OSError):  # it may have ended
            # Of its group, since Linux takes a process to be its first thread only.
            os.setpriority(os.PRIO_PGRP, self._child.pid, NICENESS)

    def hear(self, line: str) -> None:
        """Take in what the child says of itself."""
        self.notes.append(line)

    async def _start(self) -> None:
        # A session of its own, so that Ctrl-C reaches us alone, and we end the child.
        self._child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, PARENT: str(os.getpid())},
            start_new_session=True,
        )
        self._listening = asyncio.create_task(self._listen())

    async def _check_end(self, child: asyncio.subprocess.Process) -> None:
        assert self._listening is not None
        await self._listening
        code = await child.wait()
        if code < 0:
            raise SlipstreamError(f"{self.name}: reading it failed by {signal.Signals(-code).name}")
        if code > 0:
            raise SlipstreamError(f"{self.name}: {self.notes[-1] if self.notes else 'no reason'}")

    async def _listen(self) -> None:
        assert self._child is not None
        assert self._child.stderr is not None
        async for line in self._child.stderr:
            if text := line.decode(errors="replace").strip():
                self.hear(text)
