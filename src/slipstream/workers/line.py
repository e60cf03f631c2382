"""A worker's connection to the supervisor, as long as there is one.

When it breaks the supervisor has died or is being replaced: the worker serves on, and looks
for the next one at the rendezvous. What it had asked is asked again; what it holds is told by
the first message; connections that are to move wait.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, Protocol

import structlog

from slipstream.workers.channel import Channel
from slipstream.workers.messages import Ask, Hello, Message, Move, Pulse, Reload
from slipstream.workers.packets import Packet

log = structlog.get_logger()

PULSE_S = 1.0
RETRY_S = 0.1
WAITS = (Ask, Move, Reload)  # messages that nobody would repeat
MAX_WAITING = 256

Handler = Callable[[Any, Packet], None]


class Supervision(Protocol):
    """Where supervisors are found, and made when there is none."""

    def connect(self) -> Channel | None:
        """A channel to the supervisor; None if there is none at the moment."""

    def is_there(self) -> bool:
        """Whether there is a supervisor."""

    def missing(self, for_s: float) -> None:
        """There has been no supervisor for so long, in seconds; called every now and then."""


class Line:
    """Set handlers with `on()`, then `start()`; `send()` at will.

    Args:
        supervision: where the supervisor is found.
        loop: of the worker.
        hello: says what the worker holds now.
    """

    def __init__(
        self,
        supervision: Supervision,
        loop: asyncio.AbstractEventLoop,
        hello: Callable[[], Hello],
    ) -> None:
        self._supervision = supervision
        self._loop = loop
        self._hello = hello
        self._channel: Channel | None = None
        self._handlers: dict[type[Message], Handler] = {}
        self._on_connected: list[Callable[[], None]] = []
        self._lost_at = loop.time()
        self._watching_writable = False
        self._timer: asyncio.TimerHandle | None = None
        self._finished = False  # all has been said to this supervisor
        self._waiting: list[Packet] = []
        self.sent_bytes = 0

    def on(self, kind: type[Message], handler: Handler) -> None:
        """Call `handler(message, packet)` for messages of a kind."""
        self._handlers[kind] = handler

    def on_connected(self, callback: Callable[[], None]) -> None:
        """Call back whenever a supervisor has been found, after the first message."""
        self._on_connected.append(callback)

    def start(self) -> None:
        """Find the supervisor."""
        self._beat()

    def stop(self) -> None:
        """Take leave."""
        if self._timer is not None:
            self._timer.cancel()
        self._drop()

    def send(self, message: Message, *, body: bytes = b"", fd: int = -1) -> None:
        """Send a message; one that finds no supervisor may be lost. A descriptor stays ours."""
        if self._channel is not None and not self._finished:
            self._channel.send(message, body=body, fd=fd)
            self._watch_writable()
        elif isinstance(message, WAITS) and len(self._waiting) < MAX_WAITING:
            self._waiting.append(Packet(message, body, fd if fd < 0 else os.dup(fd)))

    @property
    def is_open(self) -> bool:
        """Whether there is a supervisor who would take a message now."""
        return self._channel is not None and not self._finished

    def finish(self) -> None:
        """Say nothing more to this supervisor, which will be replaced when it has heard all."""
        if self._channel is not None:
            self._finished = True
            self._channel.finish()

    def _beat(self) -> None:
        """Show that the loop runs; look for a supervisor if there is none."""
        if self._channel is not None and not self._supervision.is_there():
            self._drop()  # it died before it took our connection, or without a word
        if self._channel is None:
            self._connect()
        elif not self._finished:
            self.send(Pulse())
        wait_s = RETRY_S if self._channel is None else PULSE_S
        self._timer = self._loop.call_later(wait_s, self._beat)

    def _connect(self) -> None:
        channel = self._supervision.connect()
        if channel is None:
            self._supervision.missing(self._loop.time() - self._lost_at)
            return
        self._channel = channel
        self._loop.add_reader(channel.fileno(), self._readable)
        self.send(self._hello())
        for callback in self._on_connected:
            callback()
        waiting, self._waiting = self._waiting, []
        for packet in waiting:
            self.send(packet.message, body=packet.body, fd=packet.fd)
            if packet.fd >= 0:
                os.close(packet.fd)

    def _drop(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            self._loop.remove_reader(channel.fileno())
            if self._watching_writable:
                self._watching_writable = False
                self._loop.remove_writer(channel.fileno())
            self.sent_bytes += channel.sent_bytes
            channel.close()
            self._finished = False
            self._lost_at = self._loop.time()

    def _readable(self) -> None:
        assert self._channel is not None
        try:
            packets = self._channel.receive()
        except ValueError as error:
            log.warning("line.unreadable", reason=str(error))
            packets = None
        if packets is None:
            self._drop()
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(RETRY_S, self._beat)
            return
        for packet in packets:
            handler = self._handlers.get(type(packet.message))
            if handler is not None:
                try:
                    handler(packet.message, packet)
                except Exception:  # a bug of ours costs one message
                    log.exception("line.bug", message=type(packet.message).__name__)

    def _watch_writable(self) -> None:
        channel = self._channel
        if channel is not None and channel.blocked and not self._watching_writable:
            self._watching_writable = True
            self._loop.add_writer(channel.fileno(), self._writable)

    def _writable(self) -> None:
        assert self._channel is not None
        self._channel.flush()
        if not self._channel.blocked:
            self._watching_writable = False
            self._loop.remove_writer(self._channel.fileno())
