"""Connections that ask for an address again and again, each as soon as it has its answer."""

from __future__ import annotations

import select
from typing import NamedTuple

from .client import Target
from .http_answers import KeptConnection
from .worker import Commands


class Answered(NamedTuple):
    """What has come so far."""

    answers: int
    bytes: int  # of bodies


class Asking:
    """Commands: `begin`, then `turn_to` and `answered` whenever wanted."""

    def __init__(self, commands: Commands, target: Target) -> None:
        self._commands = commands
        self._target = target
        self._epoll = select.epoll()
        self._epoll.register(commands, select.EPOLLIN)
        self._connections: dict[int, KeptConnection] = {}
        self._request = b""
        self._answers = 0

    def begin(self, path: str, connections: int) -> None:
        """Ask for `path` over so many connections."""
        for _ in range(connections):
            connection = KeptConnection(self._target)
            self._request = connection.request(path)
            self._connections[connection.socket.fileno()] = connection
            self._epoll.register(connection.socket, select.EPOLLIN)
        for connection in self._connections.values():
            connection.ask(self._request)

    def turn_to(self, path: str) -> None:
        """Ask for another address from now on."""
        self._request = next(iter(self._connections.values())).request(path)

    def answered(self) -> Answered:
        """How many answers, and how many bytes of them."""
        total = sum(connection.total_bytes for connection in self._connections.values())
        return Answered(self._answers, total)

    def run(self) -> None:
        while True:
            for descriptor, _ in self._epoll.poll():
                connection = self._connections.get(descriptor)
                if connection is None:
                    self._commands.answer(self)
                elif connection.receive():
                    self._answers += 1
                    connection.ask(self._request)
