"""A way to the server that lets other people's programs come from an address of our choice.

Most of them cannot choose where they come from; so what they send is passed on by a socket that is
bound to one of the many addresses of 127.0.0.0/8.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from threading import Thread

READ_BYTES = 1 << 16

_numbers = count(1)


def new_address() -> str:
    """An address from which nobody has come so far."""
    number = next(_numbers)
    return f"127.1.{number // 250}.{number % 250 + 1}"


@contextmanager
def door(port: int, address: str) -> Iterator[int]:
    """Yield a port: who connects there reaches `port` of the server, and comes from `address`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=_open, args=(listener, port, address), daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _open(listener: socket.socket, port: int, address: str) -> None:
    with suppress(OSError):  # the door is closed
        while True:
            outside, _ = listener.accept()
            inside = socket.create_connection(("127.0.0.1", port), source_address=(address, 0))
            for ends in ((outside, inside), (inside, outside)):
                Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # either end may go when it likes
        while data := source.recv(READ_BYTES):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
