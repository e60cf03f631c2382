"""A child process: started, told, read, and ended without blocking the loop.

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
from typing import IO, NoReturn, Self

from slipstream.errors import SlipstreamError
from slipstream.media import FlvParser, FlvTag

READ_BYTES = 64 << 10
MAX_NOTES = 20  # lines
POLL_S = 0.005
NICENESS = 10  # beside a busy worker: a tenth of its share
PARENT = "SLIPSTREAM_PARENT"  # in the environment of a child: our process id


class Child:
    """An asynchronous context manager that runs a child.

    Args:
        module: to run, as `python -m` would.
        arguments: of it.
        name: of what it reads, for errors.
        told: it reads what `tell()` writes.

    Attributes:
        notes: what it says of what it does, a line each.
    """

    def __init__(self, module: str, *arguments: str, name: str, told: bool = False) -> None:
        self.name = name
        self.notes: deque[str] = deque(maxlen=MAX_NOTES)
        self._command = (sys.executable, "-P", "-m", module, *arguments)
        self._told = told
        self._child: subprocess.Popen[bytes] | None = None
        self._input: asyncio.StreamWriter | None = None
        self._output: asyncio.StreamReader | None = None
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        # Not asyncio's way: uvloop copies the tables of all our memory to start a process (20 ms
        # with 200 MB), and both wait for ever when they are cancelled meanwhile.
        self._child = child = subprocess.Popen(  # noqa: ASYNC220, S603
            self._command,
            stdin=subprocess.PIPE if self._told else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, PARENT: str(os.getpid())},
            start_new_session=True,  # so that Ctrl-C reaches us alone, and we end the child
        )
        try:
            self._output = await _read_pipe(child.stdout)
            self._listening = asyncio.create_task(self._listen(await _read_pipe(child.stderr)))
            if self._told:
                self._input = await _write_pipe(child.stdin)
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
        if self._input is not None:
            self._input.close()
        if self._output is not None:
            await self._output.read()
        if self._listening is not None:
            await self._listening
        await self._exit_code(self._child)

    @property
    def has_ended(self) -> bool:
        """Whether the process is no more."""
        assert self._child is not None
        return self._child.poll() is not None

    async def tell(self, data: bytes) -> None:
        """Write to its standard input.

        Raises:
            SlipstreamError: the child has failed.
        """
        assert self._input is not None
        self._input.write(data)
        try:
            await self._input.drain()
        except OSError:  # it reads no more; why, its end says
            await self._fail()

    async def read_line(self) -> bytes:
        """Return the next line of its output, without its end.

        Raises:
            SlipstreamError: the child has failed.
        """
        assert self._output is not None
        line = await self._output.readline()
        if not line.endswith(b"\n"):
            await self._fail()
        return line[:-1]

    async def read_exactly(self, size: int) -> bytes:
        """Return the next `size` bytes of its output.

        Raises:
            SlipstreamError: the child has failed.
        """
        assert self._output is not None
        try:
            return await self._output.readexactly(size)
        except asyncio.IncompleteReadError:
            await self._fail()

    def give_way(self) -> None:
        """From now on let others have the processors first, those who serve viewers above all."""
        assert self._child is not None
        with contextlib.suppress(OSError):  # it may have ended
            # Of its group, since Linux takes a process to be its first thread only.
            os.setpriority(os.PRIO_PGRP, self._child.pid, NICENESS)

    def hear(self, line: str) -> None:
        """Take in what the child says of itself."""
        self.notes.append(line)

    async def _fail(self) -> NoReturn:
        """Say why it has ended, too early whatever it says."""
        assert self._child is not None
        await self._check_end(self._child)
        raise SlipstreamError(f"{self.name}: it has ended")

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


class FlvChild(Child):
    """A child that writes FLV; `read()` until it returns nothing. See `Child`."""

    def __init__(self, module: str, *arguments: str, name: str) -> None:
        super().__init__(module, *arguments, name=name)
        self._parser = FlvParser()

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


async def _read_pipe(pipe: IO[bytes] | None) -> asyncio.StreamReader:
    assert pipe is not None
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


async def _write_pipe(pipe: IO[bytes] | None) -> asyncio.StreamWriter:
    assert pipe is not None
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), pipe
    )
    return asyncio.StreamWriter(transport, protocol, None, loop)
