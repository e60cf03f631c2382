"""An RTMP connection that we open: to publish a stream to a server, or to play one from it.

The shell around `rtmp.ClientConnection`: it connects, moves bytes, waits no longer than it
should, and says in one line what went wrong, in the server's own words where it has any.
Whoever publishes calls `receive()` beside it: that answers pings and notices the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections import deque
from types import TracebackType
from typing import Self

from slipstream.errors import SlipstreamError
from slipstream.net.link import describe
from slipstream.rtmp import (
    Ability,
    CapsEx,
    ClientConnection,
    Ended,
    EnhancedCapabilities,
    Event,
    MediaReceived,
    Message,
    PlayStarted,
    PublishStarted,
    RtmpUrl,
)
from slipstream.tls import client_context

CONNECT_S = 5.0  # for TCP
ANSWER_S = 15.0  # for the rest: servers keep players waiting 10 s for a publisher
LEAVE_S = 1.0  # for the last bytes to go out
READ_BYTES = 64 << 10

# A server hands on whatever it has to one that says so; what we cannot read we count.
EVERYTHING = EnhancedCapabilities(
    four_cc_list=("*",),
    video={"*": Ability.DECODE},
    audio={"*": Ability.DECODE},
    caps_ex=CapsEx.MULTITRACK | CapsEx.MOD_EX | CapsEx.NANO_OFFSET,
)


class EndedError(SlipstreamError):
    """The server ended what it had begun, or went away."""


class RtmpClient:
    """Call `open()`, then `publish()` or `play()`, then what belongs to it; at last `close()`.

    An asynchronous context manager that closes.
    """

    def __init__(
        self, url: RtmpUrl, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._url = url
        self._reader = reader
        self._writer = writer
        self._connection = ClientConnection(
            url.app, url.tc_url, random_bytes=os.urandom, capabilities=EVERYTHING
        )
        self._events: deque[Event] = deque()
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(
        cls, url: RtmpUrl, *, timeout_s: float = CONNECT_S, insecure: bool = False
    ) -> Self:
        """Connect to the server of `url`; no RTMP is spoken yet.

        Args:
            url: rtmp or rtmps.
            timeout_s: what TCP and TLS may take.
            insecure: with rtmps: any certificate will do.

        Raises:
            SlipstreamError: it is unknown, refuses, or does not answer.
        """
        return cls(url, *await _connect(url, timeout_s, insecure=insecure))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def bytes_received(self) -> int:
        """Of the whole connection."""
        return self._connection.bytes_received

    async def publish(self, *, timeout_s: float = ANSWER_S) -> None:
        """Ask to publish; return when the server waits for media.

        Raises:
            SlipstreamError: it says no, or nothing.
        """
        self._connection.publish(self._url.name)
        await self._begin(PublishStarted, "publish", timeout_s)

    async def play(self, *, timeout_s: float = ANSWER_S) -> None:
        """Ask to play; return when media will follow.

        Raises:
            SlipstreamError: the server says no, or nothing.
        """
        self._connection.play(self._url.name)
        await self._begin(PlayStarted, "play", timeout_s)

    async def send_media(self, kind: int, timestamp: int, payload: bytes) -> None:
        """Send one message of what is published; wait while the server takes nothing more.

        Args:
            kind: the message's type: 8, 9 or 18.
            timestamp: ms, below 2**32.
            payload: the body.

        Raises:
            EndedError: the server has gone.
        """
        self._connection.send_media(kind, timestamp, payload)
        self._flush()
        try:
            await self._writer.drain()
        except OSError as error:
            raise EndedError(self._lost(error)) from error

    async def receive(self) -> list[Message]:
        """Return the media that comes next; with a publisher none ever comes.

        Raises:
            EndedError: the server has ended the stream or gone.
            SlipstreamError: what it sends is no RTMP.
        """
        while True:
            event = await self._next_event()
            if isinstance(event, MediaReceived) and event.messages:
                return event.messages
            if isinstance(event, Ended):
                raise EndedError(f"{self._server} ended it: {_words(event)}")

    async def close(self) -> None:
        """Take leave of the server, if it is still there, and close."""
        self._connection.close()
        try:
            async with asyncio.timeout(LEAVE_S):
                self._flush()
                await self._writer.drain()
                # Closed with bytes unread, a socket is reset, and the farewell with it.
                if self._writer.can_write_eof():  # not with TLS
                    self._writer.write_eof()
                    while await self._reader.read(READ_BYTES):
                        pass
        except OSError:  # a time-out among them
            self._writer.transport.abort()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _begin(self, started: type[Event], verb: str, timeout_s: float) -> None:
        """Go through with the requests until the server has agreed to what was asked."""
        self._flush()
        try:
            async with asyncio.timeout(timeout_s):
                while not isinstance(event := await self._next_event(), started):
                    if isinstance(event, Ended):
                        name = self._url.name.partition("?")[0]  # no keys on screens
                        raise SlipstreamError(
                            f"{self._server} refused to {verb} {name!r}: {_words(event)}"
                        )
        except TimeoutError:
            raise SlipstreamError(
                f"{self._server} did not let us {verb} within {timeout_s:g} s"
            ) from None

    async def _next_event(self) -> Event:
        """Return the next event, and meanwhile answer what wants an answer."""
        while not self._events:
            error = self._connection.error
            if error is not None:
                raise SlipstreamError(f"{self._server} does not speak RTMP as it should: {error}")
            try:
                data = await self._reader.read(READ_BYTES)
            except OSError as lost:
                raise EndedError(self._lost(lost)) from lost
            if not data:
                raise EndedError(f"{self._server} closed the connection")
            self._events += self._connection.receive_data(data, self._loop.time())
            self._flush()
        return self._events.popleft()

    def _flush(self) -> None:
        data = self._connection.data_to_send()
        if data and not self._writer.is_closing():
            self._writer.write(data)

    @property
    def _server(self) -> str:
        return _place(self._url)

    def _lost(self, error: OSError) -> str:
        return f"{self._server} is gone: {describe(error)}"


async def _connect(
    url: RtmpUrl, timeout_s: float, *, insecure: bool
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncio.open_connection(
                sock=await _connected_socket(url),
                ssl=client_context(insecure=insecure) if url.tls else None,
                server_hostname=url.host if url.tls else None,
            )
    except ssl.SSLCertVerificationError as error:
        reason = f"its certificate is not trusted: {error.verify_message}; --insecure takes any"
    except ssl.SSLError as error:
        reason = f"no TLS is possible with it: {(error.reason or str(error)).lower()}"
    except TimeoutError:
        reason = f"no answer within {timeout_s:g} s"
    except socket.gaierror:
        raise SlipstreamError(f"there is no host named {url.host!r}") from None
    except ConnectionRefusedError:
        reason = "connection refused; no server is running there"
    except OSError as error:
        reason = describe(error)
    raise SlipstreamError(f"{_place(url)}: {reason}")


async def _connected_socket(url: RtmpUrl) -> socket.socket:
    """Try the host's addresses in turn, for one error that says something.

    asyncio would join the errors of all addresses into one text, and "localhost" has two.
    """
    failure = OSError("no address")
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    for family, _, _, _, address in infos:
        try:
            return await _try_address(family, address)
        except OSError as error:
            failure = error
    raise failure


async def _try_address(family: int, address: tuple[str | int | bytes, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:  # a time-out among them
        sock.close()
        raise
    return sock


def _place(url: RtmpUrl) -> str:
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}:{url.port}"


def _words(event: Ended) -> str:
    """What the server said, at its own length."""
    words = f"{event.description} ({event.code})" if event.description else event.code
    return f"{words}, try {event.redirect}" if event.redirect else words or "no reason given"
