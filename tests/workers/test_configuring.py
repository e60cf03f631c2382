"""A worker's part in reloading: it asks the supervisor, and is told what is in force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from slipstream.workers import configuring as module
from slipstream.workers.configuring import Configuring
from slipstream.workers.messages import Configure, Message, Reload, Reloaded
from slipstream.workers.packets import Packet


class FakeLine:
    """A line whose other end is the test."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.handlers: dict[type[Message], Callable[[Any, Packet], None]] = {}

    def on(self, kind: type[Message], handler: Callable[[Any, Packet], None]) -> None:
        self.handlers[kind] = handler

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def say(self, message: Message) -> None:
        self.handlers[type(message)](message, Packet(message))


def configuring(line: FakeLine, kept: list[str]) -> Configuring:
    return Configuring(line, asyncio.get_running_loop(), kept.append)  # type: ignore[arg-type]


async def test_each_who_asks_gets_the_answer_to_their_own_question() -> None:
    line = FakeLine()
    part = configuring(line, [])
    asking = [asyncio.ensure_future(part.reload()) for _ in range(2)]
    await asyncio.sleep(0)
    tickets = [message.ticket for message in line.sent if isinstance(message, Reload)]
    for ticket in reversed(tickets):
        line.say(Reloaded(ticket, {"of": ticket}))
    assert await asyncio.gather(*asking) == [{"of": ticket} for ticket in tickets]


async def test_without_a_supervisor_there_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    assert await configuring(FakeLine(), []).reload() is None


async def test_what_is_told_is_kept_for_a_supervisor_to_come() -> None:
    line, kept = FakeLine(), list[str]()
    told: list[tuple[str, Sequence[str]]] = []
    part = configuring(line, kept)
    line.say(Configure("{}", []))  # before anybody wants to know
    part.on_told = lambda config, pending: told.append((config, pending))
    line.say(Configure('{"log": {}}', ["server.rtmp"]))
    assert kept == ["{}", '{"log": {}}']
    assert told == [('{"log": {}}', ["server.rtmp"])]
