"""The publishers' process: any number of streams, each message sent when it is due.

All publishers send the same cycle of messages (`stream`), each shifted in time so that they do
not speak at once. The chunks of every message are made beforehand; sending one means writing
the stamp into it and one blocking `send`, as an encoder's thread would do. `lateness_ms()` tells
how far behind its own plan the process ever was: when that is milliseconds, the load's core is full
and the figures are worth nothing.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from .chunks import (
    AUDIO,
    DATA,
    DELTA_HEADER_SIZE,
    VIDEO,
    Message,
    build_delta_message,
    build_message,
)
from .client import Client, Target, connect_many
from .stream import (
    AUDIO_CONFIG,
    CYCLE_MS,
    METADATA,
    STAMP_SIZE,
    VIDEO_CONFIG,
    build_cycle,
    build_stamp,
)
from .worker import Commands

CSIDS = {AUDIO: 4, VIDEO: 6, DATA: 5}
SEND_TIMEOUT = struct.pack("ll", 10, 0)  # s, µs: a server that reads nothing for so long has failed
CYCLE_NS = CYCLE_MS * 1_000_000
COMMANDS_EVERY_NS = 20_000_000  # how often to look for commands when there is no pause to do it in


class _Sending(NamedTuple):
    """One message of one publisher, in the plan that all of them share."""

    due_ns: int  # from the beginning of a cycle
    publisher: int
    chunks: bytearray
    stamp_at: int
    wrapped: bool  # shifted past the cycle's end: not sent in the first one


class Publishing:
    """Commands: `publish`, then `pause` and `resume`, `sent_messages`, `lateness_ms`."""

    def __init__(self, commands: Commands, target: Target) -> None:
        self._commands = commands
        self._target = target
        self._sockets: list[socket.socket] = []
        self._clients: list[Client] = []
        self._numbers: list[int] = []
        self._plan: list[_Sending] = []
        self._paused_at_ns: int | None = None
        self._origin_ns = 0  # when the current cycle began
        self._look_ns = 0  # when to look for commands at the latest
        self._latest_ns = 0  # the most that a message was sent after it was due

    def publish(self, names: list[str], bitrate_bps: int, chunk_size: int) -> None:
        """Begin to publish each of `names`."""
        clients = connect_many(partial(Client, self._target, chunk_size), len(names))
        for name, client in zip(names, clients, strict=True):
            client.publish(name)
            client.socket.settimeout(None)  # Python's own timeout would poll before every send
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, SEND_TIMEOUT)
            for type_id, body in ((DATA, METADATA), (AUDIO, AUDIO_CONFIG), (VIDEO, VIDEO_CONFIG)):
                message = Message(0, type_id, client.stream_id, body)
                client.socket.sendall(build_message(CSIDS[type_id], message, chunk_size))
            self._clients.append(client)
            self._sockets.append(client.socket)
        self._numbers = [0] * len(names)
        self._plan = build_plan(len(names), bitrate_bps, chunk_size)
        self._origin_ns = time.monotonic_ns()

    def pause(self) -> None:
        """Send nothing, as if the network had stopped."""
        self._paused_at_ns = time.monotonic_ns()

    def resume(self) -> None:
        """Go on where it stopped."""
        if self._paused_at_ns is not None:
            self._origin_ns += time.monotonic_ns() - self._paused_at_ns
            self._paused_at_ns = None

    def sent_messages(self) -> int:
        """How many messages all publishers have sent."""
        return sum(self._numbers)

    def lateness_ms(self) -> float:
        """The most that a message was late since the last question."""
        latest_ms, self._latest_ns = self._latest_ns / 1e6, 0
        return latest_ms

    def run(self) -> None:
        while not self._plan:
            self._commands.answer(self)
        first = True
        while True:
            for sending in self._plan:
                if not (first and sending.wrapped):
                    self._wait_until_due(sending)
                    self._send(sending)
            self._origin_ns += CYCLE_NS
            first = False

    def _wait_until_due(self, sending: _Sending) -> None:
        while True:
            now_ns = time.monotonic_ns()
            late_ns = now_ns - self._origin_ns - sending.due_ns
            paused = self._paused_at_ns is not None
            if late_ns >= 0 and not paused and now_ns < self._look_ns:
                self._latest_ns = max(self._latest_ns, late_ns)
                return
            wait_s = None if paused else max(0.0, -late_ns / 1e9)
            if select.select([self._commands], [], [], wait_s)[0]:
                self._commands.answer(self)
            self._look_ns = time.monotonic_ns() + COMMANDS_EVERY_NS

    def _send(self, sending: _Sending) -> None:
        publisher, chunks, start = sending.publisher, sending.chunks, sending.stamp_at
        number = self._numbers[publisher]
        self._numbers[publisher] = number + 1
        chunks[start : start + STAMP_SIZE] = build_stamp(number, time.monotonic_ns())
        self._sockets[publisher].sendall(chunks)


def build_plan(publishers: int, bitrate_bps: int, chunk_size: int) -> list[_Sending]:
    """What all publishers send in one cycle, in the order in which it is due."""
    templates = list(_build_templates(bitrate_bps, chunk_size))
    plan = []
    for publisher in range(publishers):
        shift_ns = CYCLE_NS * publisher // publishers
        for at_ns, chunks, stamp_at in templates:
            wrapped, due_ns = divmod(at_ns + shift_ns, CYCLE_NS)
            plan.append(_Sending(due_ns, publisher, chunks, stamp_at, bool(wrapped)))
    return sorted(plan, key=lambda sending: sending.due_ns)


def _build_templates(bitrate_bps: int, chunk_size: int) -> Iterator[tuple[int, bytearray, int]]:
    """Of each message of a cycle: when it is due in ns, its chunks, where its stamp goes."""
    cycle = build_cycle(bitrate_bps)
    last_ms = {kind: max(p.at_ms for p in cycle if p.type_id == kind) for kind in (AUDIO, VIDEO)}
    previous_ms = {kind: at_ms - CYCLE_MS for kind, at_ms in last_ms.items()}
    for piece in cycle:
        delta_ms = piece.at_ms - previous_ms[piece.type_id]
        previous_ms[piece.type_id] = piece.at_ms
        csid = CSIDS[piece.type_id]
        chunks = build_delta_message(csid, delta_ms, piece.type_id, piece.body, chunk_size)
        yield piece.at_ms * 1_000_000, bytearray(chunks), DELTA_HEADER_SIZE + piece.stamp_at
