"""What one send costs: `os.sendfile` from a memory file against `os.write` of a copy.

    python bench/micro/sends.py

500 connections over loopback, the sender on one core, the receivers, who throw everything away,
on another. Prints microseconds of CPU per send by size; the median of several alternating rounds.
Found so: up to about 4 KiB writing a copy that was made once per round is 5 to 10 % cheaper,
from 12 KiB on `sendfile` is, at 50 KiB by a quarter.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from statistics import median

CONNECTIONS = 500
SIZES = (600, 1600, 4096, 8192, 16_384, 50_000)
ROUNDS = 7
SENDS = 10  # of each size, to each connection, in a round
PAUSE_S = 0.012  # for the receivers to empty their sockets


def main() -> None:
    """Measure and print."""
    cores = sorted(os.sched_getaffinity(0))
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        if os.fork() == 0:
            os.sched_setaffinity(0, {cores[-1]})
            _receive(listener.getsockname())
            os._exit(0)
        os.sched_setaffinity(0, {cores[0]})
        connections = [listener.accept()[0] for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    source = os.memfd_create("sends")
    os.write(source, os.urandom(4 << 20))
    print("bytes   sendfile   write   µs of CPU per send")
    for size in SIZES:
        costs: dict[str, list[float]] = {"sendfile": [], "write": []}
        for _ in range(ROUNDS):
            for name, send in (("sendfile", _sendfile), ("write", _write)):
                costs[name].append(_cost_us(send, connections, source, size))
        print(f"{size:>6} {median(costs['sendfile']):9.2f} {median(costs['write']):7.2f}")


Send = Callable[[list[int], int, int, int], None]


def _sendfile(fds: list[int], source: int, offset: int, size: int) -> None:
    for fd in fds:
        os.sendfile(fd, source, offset, size)


def _write(fds: list[int], source: int, offset: int, size: int) -> None:
    data = os.pread(source, size, offset)
    for fd in fds:
        os.write(fd, data)


def _cost_us(send: Send, connections: list[socket.socket], source: int, size: int) -> float:
    fds = [connection.fileno() for connection in connections]
    before = time.thread_time()
    for i in range(SENDS):
        send(fds, source, i * size, size)
        time.sleep(PAUSE_S)
    return (time.thread_time() - before) / SENDS / len(fds) * 1e6


def _receive(address: tuple[str, int]) -> None:
    poll = select.epoll()
    sockets = {}
    for _ in range(CONNECTIONS):
        sock = socket.create_connection(address)
        sock.setblocking(False)
        sockets[sock.fileno()] = sock
        poll.register(sock, select.EPOLLIN)
    nowhere = bytearray(1 << 20)
    while sockets:
        for fd, _ in poll.poll():
            if not sockets[fd].recv_into(nowhere, len(nowhere), socket.MSG_TRUNC):
                sockets.pop(fd).close()


if __name__ == "__main__":
    main()
