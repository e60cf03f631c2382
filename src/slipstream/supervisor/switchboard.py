"""All that a supervisor waits for: workers' channels, their rendezvous, whatever else it has."""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable
from functools import partial
from typing import Protocol

import structlog

from slipstream.workers.channel import Channel
from slipstream.workers.messages import Message
from slipstream.workers.packets import Packet
from slipstream.workers.rendezvous import Rendezvous

log = structlog.get_logger()

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Watched(Protocol):
    """Anything with a descriptor."""

    def fileno(self) -> int:
        """The descriptor."""


class Switchboard:
    """Call `open()`, then `wait()` again and again.

    Args:
        rendezvous: where workers connect.
        on_packet: called with a channel, the process at its other end, and what came; a
            descriptor in it is the callee's.
        on_hung_up: called when nothing more will come from a channel: `hang_up()`, or `mute()`.
    """

    def __init__(
        self,
        rendezvous: Rendezvous,
        on_packet: Callable[[Channel, int, Packet], None],
        on_hung_up: Callable[[Channel], None],
    ) -> None:
        self.channels: dict[Channel, int] = {}  # with the process at the other end
        self._rendezvous = rendezvous
        self._on_packet = on_packet
        self._on_hung_up = on_hung_up
        self._selector = selectors.DefaultSelector()
        self._waiting: set[Channel] = set()  # for room to write
        self._muted: set[Channel] = set()

    def open(self) -> None:
        """Begin to let workers in."""
        self.watch(self._rendezvous, self._accept)

    def close_door(self) -> None:
        """Let no more of them in: they wait for whoever comes after us."""
        self.unwatch(self._rendezvous)

    def watch(self, what: Watched, callback: Callable[[], None]) -> None:
        """Call back whenever there is something to read."""
        self._selector.register(what, READ, lambda _: callback())

    def unwatch(self, what: Watched) -> None:
        """Do so no more."""
        self._selector.unregister(what)

    def wait(self, timeout_s: float) -> None:
        """Do what comes within this time, or what has come first."""
        for key, events in self._selector.select(max(timeout_s, 0)):
            key.data(events)

    def send(self, channel: Channel, message: Message, body: bytes = b"", fd: int = -1) -> None:
        """Send a message, now or when there is room."""
        channel.send(message, body=body, fd=fd)
        self._watch_writing(channel)

    def drain(self, channel: Channel) -> None:
        """Take everything that has come from a worker that says no more."""
        while channel in self.channels and self._take(channel):
            pass

    def mute(self, channel: Channel) -> None:
        """Listen to a channel no more; what is sent still goes out, when it is flushed."""
        if channel in self.channels and channel not in self._muted:
            self._muted.add(channel)
            self._waiting.discard(channel)
            self._selector.unregister(channel)

    def is_silent(self) -> bool:
        """Whether all workers have said all, and have been told all."""
        for channel in self.channels:
            channel.flush()
        return all(channel in self._muted and not channel.blocked for channel in self.channels)

    def start_anew(self) -> None:
        """Let workers in again, and have those connect again that say no more."""
        for channel in list(self._muted):
            self._on_hung_up(channel)
        self.open()

    def hang_up(self, channel: Channel) -> None:
        """Have no more to do with a channel."""
        if self.channels.pop(channel, None) is not None:
            self._waiting.discard(channel)
            if channel not in self._muted:
                self._selector.unregister(channel)
            self._muted.discard(channel)
            channel.close()

    def close(self) -> None:
        """Forget all, in a process that has other things to do; nobody is told."""
        self._selector.close()
        for channel in self.channels:
            channel.close()

    def _accept(self) -> None:
        while (accepted := self._rendezvous.accept()) is not None:
            sock, pid = accepted
            channel = Channel(sock)
            self.channels[channel] = pid
            self._selector.register(channel, READ, partial(self._on_events, channel))

    def _on_events(self, channel: Channel, events: int) -> None:
        if events & WRITE and channel in self.channels:
            channel.flush()
            self._watch_writing(channel)
        if events & READ and channel in self.channels and self._take(channel) is None:
            self._on_hung_up(channel)

    def _take(self, channel: Channel) -> int | None:
        """Take some of what has come; how much it was, or None when there is an end to it."""
        try:
            packets = channel.receive()
        except ValueError as error:
            log.warning("supervisor.unreadable", pid=self.channels[channel], reason=str(error))
            return None
        if packets is None:
            return None
        for packet in packets:
            if channel in self.channels:
                self._on_packet(channel, self.channels[channel], packet)
            elif packet.fd >= 0:
                os.close(packet.fd)
        return len(packets)

    def _watch_writing(self, channel: Channel) -> None:
        """Wait for room exactly while something waits to be written."""
        if channel not in self._muted and channel.blocked != (channel in self._waiting):
            self._waiting ^= {channel}
            self._selector.modify(
                channel,
                READ | WRITE if channel.blocked else READ,
                partial(self._on_events, channel),
            )
