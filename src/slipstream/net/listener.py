"""Accepts connections, no more than can be served.

Those that have not yet said what they want are bounded, in total and per address. Beyond the
bound nobody is refused: connections wait unaccepted in the kernel (one address: accepted but
unread) until there is room. Schools and offices sit behind one address.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import deque
from collections.abc import Callable
from functools import partial

import structlog

from slipstream.errors import SlipstreamError
from slipstream.net.admissions import Admissions
from slipstream.net.proxies import Proxies

log = structlog.get_logger()

BACKLOG = 4096  # the usual 128 makes 2000 quick connects wait milliseconds each
ACCEPTS_PER_TURN = 64  # so that a flood of connects leaves time for the rest of the worker
YIELD_S = 0.005  # that one with more connections than others leaves them to take the next
PAUSE_S = 0.1  # before accepting is tried again when descriptors or memory were short

Accept = Callable[[socket.socket, str], object]


def _nobody_has_less() -> bool:
    return False


class Listener:
    """Hands accepted sockets on.

    Args:
        sock: listening; becomes ours.
        accept: called with each connected socket and its address.
        admissions: who may be accepted.
        loop: of the worker.
        per_turn: connections that are accepted at once.
        others_have_less: whether another process that shares the socket has fewer connections:
            it then gets the first chance to take the next one.
        proxies: which say who is behind their connections; None: there are none.
    """

    def __init__(
        self,
        sock: socket.socket,
        accept: Accept,
        admissions: Admissions,
        loop: asyncio.AbstractEventLoop,
        *,
        per_turn: int = ACCEPTS_PER_TURN,
        others_have_less: Callable[[], bool] = _nobody_has_less,
        proxies: Proxies | None = None,
    ) -> None:
        self.address = format_address(sock)
        self._sock = sock
        self._accept = accept
        self._admissions = admissions
        self._loop = loop
        self._per_turn = per_turn
        self._others_have_less = others_have_less
        self._proxies = proxies
        self._yielded = False
        self._listening = False
        self._stopped = False
        self._crowd: deque[tuple[socket.socket, str]] = deque()
        admissions.on_room.append(self._make_room)

    def start(self) -> None:
        """Begin to accept."""
        self._listening = True
        self._loop.add_reader(self._sock.fileno(), self._acceptable)

    def stop(self) -> None:
        """Accept no more and close."""
        if self._stopped:
            return
        self._stopped = True
        self._pause()
        self._admissions.on_room.remove(self._make_room)
        self._sock.close()
        while self._crowd:
            self._crowd.popleft()[0].close()

    def _acceptable(self) -> None:
        if not self._yielded and self._others_have_less():
            self._yielded = True
            self._pause()
            self._loop.call_later(YIELD_S, self._make_room)
            return
        self._yielded = False
        for _ in range(self._per_turn):
            if self._admissions.full or len(self._crowd) >= self._admissions.max_pending:
                self._pause()
                return
            try:
                sock, peer = self._sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS):
                    self._pause()
                    self._loop.call_later(PAUSE_S, self._make_room)
                return
            self._meet(sock, plain_address(peer[0]))

    def _meet(self, sock: socket.socket, address: str) -> None:
        """Admit a connection; one of a proxy when it is known who is behind it."""
        if self._proxies is None or address not in self._proxies:
            self._admit(sock, address)
            return
        self._admissions.opened(address)
        known, failed = partial(self._introduce, sock, address), partial(self._lose, address)
        self._proxies.ask(sock, known, failed)

    def _introduce(self, sock: socket.socket, proxy: str, client: str) -> None:
        if client:
            self._leave(proxy)
            self._admit(sock, client)
        else:
            self._accept(sock, proxy)

    def _lose(self, proxy: str, reason: str) -> None:
        log.debug("proxy.failed", address=proxy, reason=reason)
        self._leave(proxy)

    def _leave(self, address: str) -> None:
        self._admissions.settled(address)
        self._admissions.closed()

    def _admit(self, sock: socket.socket, address: str) -> None:
        if self._admissions.is_crowded(address):
            self._crowd.append((sock, address))
        else:
            self._admissions.opened(address)
            self._accept(sock, address)

    def _pause(self) -> None:
        if self._listening:
            self._listening = False
            self._loop.remove_reader(self._sock.fileno())

    def _make_room(self) -> None:
        if self._stopped or self._admissions.full:
            return
        for _ in range(len(self._crowd)):
            self._admit(*self._crowd.popleft())
        if not self._listening:
            self.start()


def open_listening_socket(address: str) -> socket.socket:
    """Return a listening TCP socket for `host:port`, `:port` or `port`; an empty host is all.

    Raises:
        SlipstreamError: with what to do about it.
    """
    host, port = parse_address(address)
    try:
        infos = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise SlipstreamError(f"cannot listen on {address}: {error.strerror}") from error
    # With no host, one IPv6 socket serves IPv4 as well where the machine has IPv6.
    infos.sort(key=lambda info: info[0] != socket.AF_INET6)
    failure: OSError | None = None
    for family, kind, protocol, _, place in infos:
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            failure = error
            continue
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1 if host else 0)
            sock.bind(place)
            sock.listen(BACKLOG)
            sock.setblocking(False)
        except OSError as error:
            sock.close()
            failure = error
            if error.errno != errno.EAFNOSUPPORT and error.errno != errno.EADDRNOTAVAIL:
                break
        else:
            return sock
    assert failure is not None
    hint = "another program has the port" if failure.errno == errno.EADDRINUSE else failure.strerror
    raise SlipstreamError(f"cannot listen on {address}: {hint}") from failure


def parse_address(address: str) -> tuple[str, int]:
    """Split `host:port`, `[v6]:port`, `:port` or `port`.

    Raises:
        SlipstreamError: it is none of these.
    """
    host, _, port = address.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise SlipstreamError(f"{address!r} is no address: expected HOST:PORT, :PORT or PORT")
    return host.strip("[]"), int(port)


def plain_address(host: str) -> str:
    """An address as it is compared and shown: IPv4 in its own form, no zone."""
    return host.removeprefix("::ffff:").partition("%")[0]


def format_address(sock: socket.socket) -> str:
    """`host:port` of a bound socket."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
