"""A child process that writes FLV: started, read, and ended without blocking the loop.

What the child does is another module's (see `pipe`). The pipe between the two holds it back:
it is never further ahead of its reader than the pipe is long.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from types import TracebackType
from typing import IO, Self

from slipstream.errors import SlipstreamError
from slipstream.media import FlvParser, FlvTag

READ_BYTES = 64 << 10
MAX_NOTES = 20  # lines
POLL_S = 0.005
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
        self._child: subprocess.Popen[bytes] | None = None
        self._output: asyncio.StreamReader | None = None
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        # Not asyncio's way: uvloop copies the tables of all our memory to start a process (20 ms
        # with 200 MB), and both wait for ever when they are cancelled meanwhile.
        self._child = child = subprocess.Popen(  # noqa: ASYNC220, S603
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, PARENT: str(os.getpid())},
            start_new_session=True,  # so that Ctrl-C reaches us alone, and we end the child
        )
        try:
            self._output = await _read_pipe(child.stdout)
            self._listening = asyncio.create_task(self._listen(await _read_pipe(child.stderr)))
        except BaseException:
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
        self._child.kill()  # it has nothing to lose
        if self._output is not None:
            await self._output.read()
        if self._listening is not None:
            await self._listening
        await self._exit_code(self._child)

    async def read(self) -> list[FlvTag]:
        """Return the tags that come next, as soon as they are there; none at the end.

        Raises:
            SlipstreamError: the child has failed.
        """
        assert self._child is not None
        assert self._output is not None
        while data := await self._output.read(READ_BYTES):
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

    async def _check_end(self, child: subprocess.Popen[bytes]) -> None:
        assert self._listening is not None
        await self._listening
        code = await self._exit_code(child)
        if code < 0:
            raise SlipstreamError(f"{self.name}: reading it failed by {signal.Signals(-code).name}")
        if code > 0:
            raise SlipstreamError(f"{self.name}: {self.notes[-1] if self.notes else 'no reason'}")

    async def _exit_code(self, child: subprocess.Popen[bytes]) -> int:
        """Wait for the child's end: its pipes have ended, so it is about to."""
        while (code := child.poll()) is None:  # noqa: ASYNC110 - a process has no event for it
            await asyncio.sleep(POLL_S)
        return code

    async def _listen(self, errors: asyncio.StreamReader) -> None:
        async for line in errors:
            if text := line.decode(errors="replace").strip():
                self.hear(text)


async def _read_pipe(pipe: IO[bytes] | None) -> asyncio.StreamReader:
    assert pipe is not None
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader
