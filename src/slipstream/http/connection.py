"""One HTTP connection: counted, and answered at once where the answer is ready.

What players of playlists ask for over and over lies ready (`http.shelf`). It is sent here, before
the library has parsed anything: a request whose headers are, byte for byte, those of one that
the library has read on this connection before differs from it in nothing but its first line.
Everything else is the library's, and so is every request of a connection that has said anything but
whole heads, one at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol, cast

from aiohttp import HttpVersion11, hdrs, web

from slipstream.http import application
from slipstream.http.access import bearer, peer_address
from slipstream.http.ready import ReadyAnswer, Rest
from slipstream.net.admissions import Admissions

METHOD, VERSION, END = b"GET ", b" HTTP/1.1", b"\r\n\r\n"
LINE_END = b"\r\n"


class Caller(NamedTuple):
    """What the headers of a request say that answers depend on."""

    address: str
    agent: str
    takes_gzip: bool
    origin: str
    """Of the web page that asks; empty: it is none."""
    page_url: str
    """That referred to the stream."""
    bearer: str
    """The token of `Authorization`."""


class ReadyAnswers(Protocol):
    """Where answers are that are ready."""

    def __call__(self, target: str, caller: Caller) -> ReadyAnswer | None:
        """What is to be sent to a `GET` for `target`; None: the library knows."""


def nothing_ready(target: str, caller: Caller) -> None:
    """See `ReadyAnswers`: nothing is."""


def caller_of(request: web.BaseRequest) -> Caller | None:
    """Who makes an ordinary request; None: it wants something special."""
    headers = request.headers
    if (
        request.method != "GET"
        or request.version != HttpVersion11
        or not request.keep_alive
        or request.body_exists
        or hdrs.RANGE in headers
        or hdrs.IF_NONE_MATCH in headers
    ):
        return None
    return Caller(
        peer_address(request),
        headers.get(hdrs.USER_AGENT, ""),
        "gzip" in headers.get(hdrs.ACCEPT_ENCODING, ""),
        headers.get(hdrs.ORIGIN, ""),
        headers.get(hdrs.REFERER, ""),
        bearer(request),
    )


class HttpConnection(asyncio.Protocol):
    """Between a transport and the library's protocol.

    Args:
        inner: the library's protocol.
        find: what is ready.
        admissions: where the connection is counted; it is pending until it says something.
        address: of the peer.
        on_lost: called when it has ended.
    """

    def __init__(
        self,
        inner: web.RequestHandler,
        find: ReadyAnswers,
        admissions: Admissions,
        address: str,
        on_lost: Callable[[], None],
    ) -> None:
        self.pause_writing = inner.pause_writing  # type: ignore[method-assign]
        self.resume_writing = inner.resume_writing  # type: ignore[method-assign]
        self.eof_received = inner.eof_received  # type: ignore[method-assign]
        self._inner = inner
        self._find = find
        self._admissions = admissions
        self.address = address
        self._on_lost = on_lost
        self._pending = True
        self._open = True
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._fd = -1  # of a socket that takes files
        self._orderly = True  # nothing but whole heads has come, one at a time
        self._passed: deque[bytes] = deque()  # the headers of heads that the library reads
        self._headers: bytes | None = None  # those that it has read last
        self._caller: Caller | None = None  # what they say
        self._usual_at = 0.0  # when the library had something to do
        self._rest: Rest | None = None
        self._held = b""  # a head, until it is clear whether the library waits for it

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)
        if transport.get_extra_info("sslcontext") is None:
            self._fd = transport.get_extra_info("socket").fileno()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Answer at once, or have the library do it."""
        self._settle()
        if self._held:
            self._go_on()
        if self._orderly and self._headers is not None and data.endswith(self._headers):
            if self._is_idle():
                if self._answer(data):
                    return
            else:  # it has often just answered, and is about to wait for more
                self._held = data
                self._loop.call_soon(self._go_on)
                return
        self._pass_on(data)

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if self._rest is not None:
            self._rest.close()
            self._rest = None
        self._held = b""
        self.forget()
        self._transport = None
        self._inner.connection_lost(error)

    def forget(self) -> None:
        """The connection is no more."""
        self._settle()
        if self._open:
            self._open = False
            self._admissions.closed()
            self._on_lost()

    # The library's side

    def asked(self, request: web.BaseRequest) -> None:
        """The library has read a request."""
        if self._passed:
            headers, self._caller = self._passed.popleft(), caller_of(request)
            self._headers = headers if self._caller is not None else None

    # Inside

    def _go_on(self) -> None:
        """See to what had to wait."""
        data, self._held = self._held, b""
        if data and not (self._is_idle() and self._answer(data)):
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        """The library gets something to read."""
        if self._orderly:
            self._usual_at = self._loop.time()
            headers = data[data.find(LINE_END) :]
            self._orderly = data.startswith(METHOD) and headers.find(END) == len(headers) - len(END)
            if self._orderly:
                self._passed.append(headers)
        self._inner.data_received(data)

    def _answer(self, data: bytes) -> bool:
        """Send what is ready. False: nothing is, or it is the library's turn.

        Args:
            data: what ends with headers that are known.
        """
        assert self._caller is not None
        assert self._headers is not None
        line = data[: -len(self._headers)]
        if LINE_END in line or not (line.startswith(METHOD) and line.endswith(VERSION)):
            return False
        # It ends connections that it has heard nothing from for long.
        if self._loop.time() - self._usual_at > application.KEEP_ALIVE_S / 2 or not line.isascii():
            return False
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size():
            return False
        target = line[len(METHOD) : -len(VERSION)].decode()
        answer = self._find(target, self._caller)
        if answer is None:
            return False
        self._send(answer, transport)
        return True

    def _send(self, answer: ReadyAnswer, transport: asyncio.Transport) -> None:
        if not answer.is_long or self._fd < 0:
            transport.write(answer.content)
            return
        try:
            sent = answer.send_file(self._fd, 0)
        except OSError:
            transport.abort()
            return
        if sent < answer.length:
            transport.pause_reading()
            self._rest = Rest(answer, sent, self._fd, self._loop, self._on_rest)

    def _on_rest(self, whole: bool) -> None:
        self._rest = None
        assert self._transport is not None
        if whole:
            self._transport.resume_reading()
        else:
            self._transport.abort()

    def _is_idle(self) -> bool:
        """Whether the library has answered all that it was given and waits for more.

        It tells nobody; if it ever names this otherwise, everything goes the usual way.
        """
        waiter = getattr(self._inner, "_waiter", None)
        return waiter is not None and not waiter.done()

    def _settle(self) -> None:
        if self._pending:
            self._pending = False
            self._admissions.settled(self.address)
