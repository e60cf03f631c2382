"""What it costs to send with TLS: the system call, encrypting, and both, by size.

    python bench/micro/encrypted.py

200 connections over loopback, the sender on one core, the receivers, who throw everything away,
on another. Prints microseconds of CPU; the median of several alternating rounds. `one` encrypts
for one connection, whose keys stay in the processor's caches, and sends nothing; `socket` leaves
the socket to OpenSSL, which sends each record by itself.
Found so: a send of 12.5 KB takes 10 us, encrypting it for one connection 10, and both, for one
viewer after the other, 23; leaving the socket to OpenSSL would save a tenth of small sends, and
cost a quarter more for 50 KB, which is three records and a bit.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from slipstream.tls import TlsConnection
from slipstream.tls.certificates import read
from slipstream.tls.self_signed import make_self_signed

CONNECTIONS = 200
SIZES = (1400, 4200, 12_500, 50_000)
ROUNDS = 7
PAUSE_S = 0.02  # for the receivers to empty their sockets


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        context = read(make_self_signed(Path(folder))).context
    cores = sorted(os.sched_getaffinity(0))
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        child = os.fork()
        if child == 0:
            os.sched_setaffinity(0, {cores[-1]})
            _receive(listener.getsockname())
        os.sched_setaffinity(0, {cores[0]})
        plain = [_accept(listener) for _ in range(CONNECTIONS)]
        ours = [_shake_hands(_accept(listener), context) for _ in range(CONNECTIONS)]
        theirs = [
            context.wrap_socket(_accept(listener), server_side=True) for _ in range(CONNECTIONS)
        ]
    ways: dict[str, tuple[Callable[[Any, bytes], object], Sequence[Any]]] = {
        "send": (socket.socket.send, plain),
        "one": (lambda end, data: end[0].encrypt(data), ours[:1] * CONNECTIONS),
        "both": (lambda end, data: end[1].send(end[0].encrypt(data)), ours),
        "socket": (ssl.SSLSocket.send, theirs),
    }
    print("bytes  " + "".join(f"{name:>8}" for name in ways) + "   µs of CPU")
    for size in SIZES:
        costs: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, (send, ends) in ways.items():
                costs[name].append(_cost_us(send, ends, os.urandom(size)))
        print(f"{size:>6} " + "".join(f"{median(cost):8.1f}" for cost in costs.values()))
    os.kill(child, 9)


def _cost_us(send: Callable[[Any, bytes], object], ends: Sequence[Any], data: bytes) -> float:
    started = time.thread_time()
    for end in ends:
        send(end, data)
    cost_s = time.thread_time() - started
    time.sleep(PAUSE_S)
    return cost_s / len(ends) * 1e6


def _accept(listener: socket.socket) -> socket.socket:
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 19)
    return connection


def _shake_hands(
    connection: socket.socket, context: ssl.SSLContext
) -> tuple[TlsConnection, socket.socket]:
    tls = TlsConnection(context)
    while not tls.is_established:
        tls.receive_data(connection.recv(1 << 16))
        connection.sendall(tls.data_to_send())
    return tls, connection


def _receive(address: tuple[str, int]) -> None:
    """Connect as often as is wanted, in the order of `main()`, and throw away what comes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connections = []
    for number in range(3 * CONNECTIONS):
        connection = socket.create_connection(address)
        connections.append(connection if number < CONNECTIONS else context.wrap_socket(connection))
    by_fd = {connection.fileno(): connection for connection in connections}
    epoll = select.epoll()
    for fd in by_fd:
        epoll.register(fd, select.EPOLLIN)
    buffer = bytearray(1 << 20)
    while True:
        for fd, _ in epoll.poll():
            socket.socket.recv_into(by_fd[fd], buffer, 0, socket.MSG_TRUNC)


if __name__ == "__main__":
    main()
