"""Runs programs on events: a few at a time, each for a while, what they say in the log."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import structlog

from slipstream.hooks.command import fill_in
from slipstream.hooks.settings import HookSettings
from slipstream.hub import Notice

log = structlog.get_logger()

MAX_WAITING = 256
MAX_LINES = 20  # of what a program says
MAX_LINE_BYTES = 512
READ_BYTES = 4096
END_S = 1.0  # from being asked to end to being killed
POLL_S = 0.02
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


class _Run(NamedTuple):
    words: Sequence[str]
    event: str
    stream: str
    timeout_s: float


class Commands:
    """Call `run()` on events, and `stop()` in the end.

    Attributes:
        started: programs that were.
        failed: programs that could not be started, took too long, or ended with another code
            than 0.
        dropped: events whose programs never were started: there were too many.

    Args:
        settings_of: by the stream's name.
    """

    def __init__(self, settings_of: Callable[[str], HookSettings]) -> None:
        self.started = self.failed = self.dropped = 0
        self._settings_of = settings_of
        self._waiting: deque[_Run] = deque()
        self._running: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """Programs that run now."""
        return len(self._running)

    def run(self, notice: Notice, settings: HookSettings) -> None:
        """Start what the settings say for this event."""
        event = str(notice.kind)
        for words in settings.commands_of(event):
            try:
                filled = fill_in(words, _values(notice))
            except ValueError as error:
                self.failed += 1
                log.warning("command.refused", program=words[0], reason=str(error))
                continue
            if len(self._waiting) >= MAX_WAITING:
                self.dropped += 1
                continue
            self._waiting.append(_Run(filled, event, notice.stream, settings.command_timeout_s))
        self._start_next()

    async def stop(self) -> None:
        """End those that run."""
        self.dropped += len(self._waiting)
        self._waiting.clear()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _start_next(self) -> None:
        limit = self._settings_of("").max_commands
        while self._waiting and len(self._running) < limit:
            task = asyncio.get_running_loop().create_task(self._run(self._waiting.popleft()))
            self._running.add(task)
            task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("command.bug", exc_info=error)
        self._start_next()

    async def _run(self, run: _Run) -> None:
        program = run.words[0]
        read, write = os.pipe()
        try:
            # Not asyncio's way, for the same reason as in `transcode.child`.
            process = subprocess.Popen(  # noqa: ASYNC220, S603
                run.words,
                stdin=subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            self.failed += 1
            os.close(read)
            log.warning("command.failed", program=program, reason=str(error))
            return
        finally:
            os.close(write)
        self.started += 1
        try:
            async with asyncio.timeout(run.timeout_s):
                await _tell_output(read, program, run)
                code = await _end_of(process)
        except TimeoutError:
            await _end(process)
            reason = f"took more than {run.timeout_s:g} s"
        except asyncio.CancelledError:
            await _end(process)
            raise
        else:
            reason = f"ended with the code {code}" if code else ""
        if reason:
            self.failed += 1
            log.warning("command.failed", program=program, reason=reason, stream=run.stream)


async def _tell_output(read: int, program: str, run: _Run) -> None:
    """Write what it says to the log, line by line, until it says no more."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=READ_BYTES, loop=loop)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader, loop=loop), os.fdopen(read, "rb", 0)
    )
    lines, rest = 0, b""
    try:
        while data := await reader.read(READ_BYTES):
            *whole, rest = (rest + data).split(b"\n")
            rest = rest[:MAX_LINE_BYTES]
            for line in whole:
                lines = _tell_line(line, lines, program, run)
        if rest:
            _tell_line(rest, lines, program, run)
    finally:
        transport.close()


def _tell_line(line: bytes, lines: int, program: str, run: _Run) -> int:
    if lines < MAX_LINES:
        text = line[:MAX_LINE_BYTES].decode(errors="replace")
        log.info(
            "command.says", program=program, event_kind=run.event, stream=run.stream, text=text
        )
    return lines + 1


async def _end_of(process: subprocess.Popen[bytes]) -> int:
    while (code := process.poll()) is None:  # noqa: ASYNC110 - nobody else tells
        await asyncio.sleep(POLL_S)
    return code


async def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and all that it has started: first asked, then made to."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await _end_of(process)


def _values(notice: Notice) -> dict[str, str]:
    app, _, name = notice.stream.partition("/")
    return {
        "event": str(notice.kind),
        "stream": notice.stream,
        "app": app,
        "name": name,
        "address": notice.address,
        "id": notice.id,
    }
