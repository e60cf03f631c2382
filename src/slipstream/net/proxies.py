"""Connections that come through proxies of ours: who is behind them is learned before all else.

What a proxy says of its peer is read off the socket before anybody else reads from it; so what is
spoken on the connection, with or without TLS, begins as on any other.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Collection
from functools import lru_cache

from slipstream.errors import ProtocolError
from slipstream.net.proxy_protocol import MAX_BYTES, parse_proxy_header

HEADER_S = 10.0  # within which the first bytes must have come
AGAIN_S = 0.01  # until half a header is looked at again; proxies send it whole

Known = Callable[[str], object]
Failed = Callable[[str], object]


@lru_cache(maxsize=64)
def _networks(
    trusted: tuple[str, ...],
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(network) for network in trusted)


def is_trusted(address: str, trusted: Collection[str]) -> bool:
    """Whether an address is a proxy's whose word counts.

    Args:
        address: plain.
        trusted: networks and addresses.
    """
    if not trusted:
        return False
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(number in network for network in _networks(tuple(trusted)))


class Proxies:
    """Learns who is behind the connections of proxies.

    Args:
        trusted: gives the networks and addresses of the proxies.
        loop: of the worker.
    """

    def __init__(
        self, trusted: Callable[[], Collection[str]], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._trusted = trusted
        self._loop = loop
        self._asked: dict[_Introduction, None] = {}

    def __contains__(self, address: str) -> bool:
        """Whether one of them has this address."""
        return is_trusted(address, self._trusted())

    def ask(self, sock: socket.socket, known: Known, failed: Failed) -> None:
        """Read what a proxy says of its peer, if it says anything.

        Args:
            sock: connected, and not read from.
            known: called with the peer's address, or with nothing if that is the proxy's own.
            failed: called with the reason if there will be no connection; the socket is closed.
        """
        self._asked[_Introduction(self, sock, known, failed, self._loop)] = None

    def forget(self, introduction: _Introduction) -> None:
        """One of them is over."""
        self._asked.pop(introduction, None)

    def stop(self) -> None:
        """Close whoever has said nothing yet."""
        for introduction in list(self._asked):
            introduction.fail("the server stops")


class _Introduction:
    """One connection whose peer is not known yet."""

    def __init__(
        self,
        proxies: Proxies,
        sock: socket.socket,
        known: Known,
        failed: Failed,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._proxies = proxies
        self._sock = sock
        self._known = known
        self._failed = failed
        self._loop = loop
        sock.setblocking(False)
        reason = f"nothing came within {HEADER_S:g} s"
        self._deadline = loop.call_later(HEADER_S, self.fail, reason)
        self._again: asyncio.TimerHandle | None = None
        self._watch()

    def fail(self, reason: str) -> None:
        """Close the connection."""
        self._end()
        self._sock.close()
        self._failed(reason)

    def _watch(self) -> None:
        self._again = None
        self._loop.add_reader(self._sock.fileno(), self._look)

    def _look(self) -> None:
        """Read nothing but the header: the rest is for who speaks on the connection."""
        try:
            data = self._sock.recv(MAX_BYTES, socket.MSG_PEEK)
            header = parse_proxy_header(data)
            if header is not None and header.size:
                self._sock.recv(header.size)
        except BlockingIOError:
            return
        except OSError as error:
            self.fail(str(error))
            return
        except ProtocolError as error:
            self.fail(str(error))
            return
        if not data:
            self.fail("closed by the proxy")
        elif header is None:  # what has come stays readable: it would be told over and over
            self._loop.remove_reader(self._sock.fileno())
            self._again = self._loop.call_later(AGAIN_S, self._watch)
        else:
            self._end()
            self._known(header.address)

    def _end(self) -> None:
        self._deadline.cancel()
        if self._again is not None:
            self._again.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._proxies.forget(self)
