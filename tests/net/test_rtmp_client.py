"""The client's shell: what it carries, how long it waits, and what it says when it fails."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import dropwhile
from pathlib import Path

import pytest

from slipstream.errors import SlipstreamError
from slipstream.media import FlvTag, coded_data, parse_tag
from slipstream.net.rtmp_client import EndedError, RtmpClient
from slipstream.rtmp import (
    BufferLengthSet,
    ConnectRequested,
    Event,
    PlayRequested,
    PongReceived,
    PublishEnded,
    PublishRequested,
    RtmpUrl,
    ServerConnection,
    parse_rtmp_url,
)
from slipstream.tls.certificates import read
from tests.clips import film_file, read_tags
from tests.interop.nginx import pushing
from tests.server import PATIENCE_S, RunningServer, running_server
from tests.tls.stage import make_pair

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[RtmpUrl]:
    """A server of our own that does as `handler` does."""
    tasks: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except asyncio.CancelledError:
            pass  # asyncio would log it
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield RtmpUrl(
            "127.0.0.1", server.sockets[0].getsockname()[1], False, "live", "a?key=secret"
        )
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Peer:
    """An RTMP server that says yes to everything but what `answer` says otherwise.

    Attributes:
        events: all that came.
    """

    def __init__(self, answer: Callable[[ServerConnection, Event], bool] | None = None) -> None:
        self.events: list[Event] = []
        self.connection = ServerConnection(random_bytes=os.urandom)
        self.stop_reading = asyncio.Event()
        self._answer = answer or (lambda *_: False)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            for event in self.connection.receive_data(data):
                self.events.append(event)
                if not self._answer(self.connection, event):
                    self._accept(event)
            writer.write(self.connection.data_to_send())
            if self.stop_reading.is_set():
                await asyncio.sleep(PATIENCE_S)

    def _accept(self, event: Event) -> None:
        match event:
            case ConnectRequested():
                self.connection.accept_connect()
            case PublishRequested(stream_id=stream_id):
                self.connection.accept_publish(stream_id)
            case PlayRequested(stream_id=stream_id):
                self.connection.accept_play(stream_id)
            case _:
                pass

    def has_seen(self, kind: type[Event]) -> bool:
        return any(isinstance(event, kind) for event in self.events)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


# How it goes


async def test_a_publisher_is_let_in_and_takes_its_leave() -> None:
    peer = Peer()
    async with listening(peer) as url:
        async with await RtmpClient.open(url) as client:
            await client.publish()
        await until(lambda: peer.has_seen(PublishEnded))
    (asked,) = (event for event in peer.events if isinstance(event, PublishRequested))
    assert (asked.name, asked.query) == ("a", "key=secret")


async def test_pings_are_answered_while_it_publishes() -> None:
    peer = Peer()
    async with listening(peer) as url, await RtmpClient.open(url) as client:
        await client.publish()
        peer.connection.ping(1234)
        listens = asyncio.create_task(client.receive())
        await client.send_media(8, 0, b"\xaf\x01\x21\x00")  # which makes the peer say it
        await until(lambda: PongReceived(1234) in peer.events)
        listens.cancel()
        await asyncio.wait({listens})


async def test_it_waits_while_the_server_takes_nothing() -> None:
    peer = Peer()
    async with listening(peer) as url, await RtmpClient.open(url) as client:
        await client.publish()
        peer.stop_reading.set()
        sent = 0

        async def send() -> None:
            nonlocal sent
            while sent < 200:
                await client.send_media(9, sent, bytes(1 << 20))
                sent += 1

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send(), 1)
        assert sent < 50


async def test_media_in_the_same_read_as_the_answer_is_not_lost() -> None:
    def play(connection: ServerConnection, event: Event) -> bool:
        if isinstance(event, PlayRequested):
            connection.accept_play(event.stream_id)
            connection.send_media(event.stream_id, 8, 7, b"\xaf\x00\x11\x90")
            return True
        return False

    async with listening(Peer(play)) as url, await RtmpClient.open(url) as client:
        await client.play()
        (message,) = await client.receive()
        assert (message.type_id, message.timestamp) == (8, 7)
        assert client.bytes_received > 3_000


# How it fails


async def failure(handler: Handler, *, timeout_s: float = PATIENCE_S) -> str:
    """What is said when publishing to such a server."""
    async with listening(handler) as url, await RtmpClient.open(url) as client:
        with pytest.raises(SlipstreamError) as error:
            await client.publish(timeout_s=timeout_s)
        return str(error.value).replace(f"127.0.0.1:{url.port}", "SERVER")


async def test_a_refusal_is_told_in_the_words_of_the_server() -> None:
    def refuse(connection: ServerConnection, event: Event) -> bool:
        if isinstance(event, PublishRequested):
            connection.reject_publish(
                event.stream_id, "NetStream.Publish.Denied", "not on a Sunday"
            )
            return True
        return False

    said = await failure(Peer(refuse))
    assert said == "SERVER refused to publish 'a': not on a Sunday (NetStream.Publish.Denied)"


async def test_a_refused_application_is_told() -> None:
    def refuse(connection: ServerConnection, event: Event) -> bool:
        if isinstance(event, ConnectRequested):
            connection.reject_connect("there is no application live")
            return True
        return False

    said = await failure(Peer(refuse))
    assert said.startswith("SERVER refused to publish 'a': there is no application live (")


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(PATIENCE_S)

    assert await failure(nothing, timeout_s=0.2) == "SERVER did not let us publish within 0.2 s"


async def test_a_server_that_hangs_up_is_told() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(100)

    assert await failure(hang_up) in (
        "SERVER closed the connection",
        "SERVER is gone: connection reset by peer",  # if it had not read everything
    )


async def test_a_server_that_speaks_something_else_is_told() -> None:
    async def speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(2_000))
        await reader.read()

    assert (await failure(speak_http)).startswith("SERVER does not speak RTMP as it should: ")


async def test_what_the_server_says_at_the_end_is_told() -> None:
    def end(connection: ServerConnection, event: Event) -> bool:
        if isinstance(event, BufferLengthSet):  # which comes with the request to play
            connection.end_play(event.stream_id)
        return False

    async with listening(Peer(end)) as url, await RtmpClient.open(url) as client:
        await client.play()
        with pytest.raises(EndedError, match=r"ended it: .+ \(NetStream\.Play\.Stop\)"):
            await client.receive()


async def test_a_host_that_nobody_knows_is_told() -> None:
    with pytest.raises(SlipstreamError, match=r"there is no host named 'nohost\.invalid'"):
        await RtmpClient.open(parse_rtmp_url("rtmp://nohost.invalid/live/a"))


async def test_a_port_where_nobody_listens_is_told_once_for_all_addresses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    with pytest.raises(SlipstreamError) as error:
        await RtmpClient.open(RtmpUrl("localhost", port, False, "live", "a"))
    assert str(error.value) == f"localhost:{port}: connection refused; no server is running there"


async def test_a_host_that_does_not_answer_is_given_up() -> None:
    with socket.socket() as sock, socket.socket() as first, socket.socket() as second:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)  # one connection may wait; what comes after it is not answered
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(sock.getsockname())
        url = RtmpUrl("127.0.0.1", sock.getsockname()[1], False, "live", "a")
        with pytest.raises(SlipstreamError, match=r"no answer within 0\.2 s"):
            await RtmpClient.open(url, timeout_s=0.2)


async def test_a_server_whose_certificate_nobody_vouches_for_is_not_trusted(
    tmp_path: Path,
) -> None:
    context = read(make_pair(tmp_path, "localhost")).context
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url = RtmpUrl("127.0.0.1", port, True, "live", "a")
        with pytest.raises(SlipstreamError, match="not trusted: self-signed certificate"):
            await RtmpClient.open(url)
        async with await RtmpClient.open(url, insecure=True):
            pass


async def test_a_server_that_speaks_no_tls_is_told() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x03" + bytes(3000))

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = RtmpUrl("127.0.0.1", server.sockets[0].getsockname()[1], True, "live", "a")
        with pytest.raises(SlipstreamError, match="no TLS is possible with it"):
            await RtmpClient.open(url)


# With servers that are not made for the test


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, settings="[streams]\nwait_s = 20\n") as server:
        yield server


class Audience:
    """One player; `arrived` is what it got."""

    def __init__(self) -> None:
        self.plays = asyncio.Event()
        self.arrived: list[FlvTag] = []

    async def watch(self, url: str, frames: int) -> None:
        async with await RtmpClient.open(parse_rtmp_url(url)) as player:
            await player.play(timeout_s=PATIENCE_S)
            self.plays.set()
            while len(coded(self.arrived)) < frames:
                for time_ms, type_id, _, body in await player.receive():
                    self.arrived.append(FlvTag(type_id, time_ms, body))


async def publish(url: str, tags: list[FlvTag]) -> None:
    async with await RtmpClient.open(parse_rtmp_url(url)) as publisher:
        await publisher.publish()
        for tag in tags:
            await publisher.send_media(*tag)


def coded(tags: list[FlvTag]) -> list[bytes]:
    """The sounds and then the pictures, from the first keyframe on: there, viewers are let in."""
    frames = [parse_tag(*tag) for tag in tags]
    watched = dropwhile(lambda frame: not frame.keyframe or frame.config, frames)
    plain = [frame for frame in watched if not frame.config and coded_data(frame)]
    return [frame.body for frame in sorted(plain, key=lambda frame: frame.kind)]


async def test_a_film_goes_through_our_own_server(server: RunningServer, tmp_path: Path) -> None:
    tags = read_tags(film_file(tmp_path, "h264-aac"))
    audience = Audience()
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as both:
        both.create_task(audience.watch(server.play_url("live/a"), len(coded(tags))))
        await asyncio.to_thread(server.wait_for_viewers, "live/a", 1)
        both.create_task(publish(server.publish_url("live/a"), tags))
    assert coded(audience.arrived) == coded(tags)


@pytest.mark.interop
async def test_a_film_goes_through_nginx(server: RunningServer, tmp_path: Path) -> None:
    tags = read_tags(film_file(tmp_path, "h264-aac"))
    audience = Audience()
    with pushing(server.publish_url("live/b"), tmp_path) as url:
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as both:
            both.create_task(audience.watch(url, len(coded(tags))))
            await audience.plays.wait()  # nginx lets players in before there is a publisher
            both.create_task(publish(url, tags))
    assert coded(audience.arrived) == coded(tags)
