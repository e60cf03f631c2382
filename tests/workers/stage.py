"""Several workers and their supervisor's tables in one process, over real sockets between them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence

from slipstream.access import Failures
from slipstream.formats import Format, RtmpFormat
from slipstream.hub import Claim, EndReason, Hub, Publication, StreamSettings, Subscription
from slipstream.log import Log
from slipstream.net.pace import Pace
from slipstream.workers.channel import Channel
from slipstream.workers.membership import Badge, Membership
from slipstream.workers.messages import Census, Hello, Message, Pulse, Ready
from slipstream.workers.register import Register
from tests.hub.stage import Publisher, Watcher


async def until(condition: Callable[[], object], what: str = "it") -> None:
    """Let the loop run until `condition()` holds."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"{what} did not happen")


class Place:
    """Where a worker of the stage finds the supervisor."""

    def __init__(self, stage: CompanyStage) -> None:
        self.stage = stage
        self.census: dict[str, list[int]] = {}

    def connect(self) -> Channel | None:
        return self.stage.connect()

    def missing(self, for_s: float) -> None:
        pass

    def is_there(self) -> bool:
        return True

    def announce(self) -> None:
        pass


class WorkerStage:
    """One worker: a hub and its membership."""

    def __init__(self, stage: CompanyStage, number: int, settings: StreamSettings) -> None:
        self.loop = asyncio.get_running_loop()
        self.number = number
        self.connections = 0
        self.woken: list[Log] = []
        self.arrived: list[tuple[socket.socket, str, Sequence[bytes], bytes]] = []
        self.failures = Failures()
        self.pace = Pace(0)
        self.member = Membership(
            Badge(number, number - 1, 0, os.getpid()),
            Place(stage),  # type: ignore[arg-type]
            self.loop,
            lambda: self.connections,
            self.pace,
        )
        self.hub = Hub(lambda name: settings, self._wake, self.member.directory)
        self.member.attach(self.hub, self.failures, lambda *moved: self.arrived.append(moved))
        self.member.directory.settle_s = 0.0
        self.member.start()
        self.member.ready()

    def _wake(self, log: Log, picture: bool) -> None:
        self.woken.append(log)
        self.member.wake(log, picture)

    async def claim(self, name: str = "live/a", credential: str = "k") -> Claim:
        answer: asyncio.Future[Claim] = self.loop.create_future()
        self.member.directory.claim(name, credential, answer.set_result)
        return await asyncio.wait_for(answer, 5)

    async def publish(
        self,
        peer: Publisher | None = None,
        name: str = "live/a",
        credential: str = "k",
        max_viewers: int = 0,
    ) -> Publication:
        claim = await self.claim(name, credential)
        assert claim.home is None, f"worker {claim.home} has the stream"
        assert not claim.refusal, claim.refusal
        return self.hub.publish(
            name,
            peer or Publisher(),
            credential=credential,
            now=self.loop.time(),
            claim=claim,
            max_viewers=max_viewers,
        )

    def watch(
        self, form: type[Format] = RtmpFormat, name: str = "live/a"
    ) -> tuple[Watcher, Subscription]:
        watcher = Watcher()
        return watcher, self.hub.subscribe(name, form, watcher, now=self.loop.time())

    def log(self, form: type[Format] = RtmpFormat, name: str = "live/a") -> Log:
        return self.hub.streams[name].audience.forms[form].log

    def content(self, form: type[Format] = RtmpFormat, name: str = "live/a") -> list[bytes]:
        """The entries of a log, as a viewer would get them."""
        entries = []
        for segment in self.log(form, name).segments:
            start = segment.start
            for end in segment.ends:
                size = segment.origin + end - start
                entries.append(os.pread(segment.fd, size, start - segment.origin))
                start += size
        return entries

    def die(self) -> None:
        """As a process does: every socket is closed, nothing is said."""
        directory = self.member.directory
        self.hub.directory = Hub(lambda name: StreamSettings(), lambda log, picture: None).directory
        for feeds in list(self.member.feeds._feeds.values()):
            for feed in list(feeds):
                feed.close()
        for follower in list(directory._followers.values()):
            follower.close()
        self.member.stop()


class CompanyStage:
    """The supervisor's side; `async with CompanyStage(2) as company: company[1].publish()`."""

    def __init__(self, count: int, **settings: object) -> None:
        self.loop = asyncio.get_running_loop()
        self.register = Register(self._send)
        self.settings = StreamSettings.model_validate(settings)
        self.sent: list[tuple[int, Message]] = []
        self._count = count
        self._workers: dict[int, WorkerStage] = {}
        self._channels: dict[int, Channel] = {}
        self._strangers: set[Channel] = set()
        self._ticking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> CompanyStage:
        for number in range(1, self._count + 1):
            self.hire(number)
        await until(lambda: len(self._channels) == self._count, "that all say hello")
        self.register.settle(self.loop.time())
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._ticking is not None
        self._ticking.cancel()
        for worker in self._workers.values():
            worker.hub.end(EndReason.SHUTDOWN, self.loop.time())
            worker.die()
        for channel in [*self._channels.values(), *self._strangers]:
            self._close(channel)

    def __getitem__(self, number: int) -> WorkerStage:
        return self._workers[number]

    def hire(self, number: int) -> WorkerStage:
        worker = self._workers[number] = WorkerStage(self, number, self.settings)
        return worker

    def kill(self, number: int) -> None:
        self._workers.pop(number).die()

    def connect(self) -> Channel:
        theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        channel = Channel(ours)
        self._strangers.add(channel)
        self.loop.add_reader(channel.fileno(), self._readable, channel)
        return Channel(theirs)

    def hang_up(self) -> None:
        """The supervisor dies, and the next one knows nothing."""
        for channel in self._channels.values():
            self._close(channel)
        self._channels.clear()
        self.register = Register(self._send)

    async def come_back(self) -> None:
        await until(lambda: len(self._channels) == len(self._workers), "that all say hello")
        self.register.settle(self.loop.time())

    def _close(self, channel: Channel) -> None:
        if channel.fileno() >= 0:
            self.loop.remove_reader(channel.fileno())
            channel.close()

    def _send(self, number: int, message: Message, body: bytes, fd: int) -> None:
        self.sent.append((number, message))
        if number in self._channels:
            self._channels[number].send(message, body=body, fd=fd)

    def _readable(self, channel: Channel) -> None:
        number = next((n for n, known in self._channels.items() if known is channel), 0)
        packets = channel.receive()
        now = self.loop.time()
        if packets is None:
            self._close(channel)
            if number:
                del self._channels[number]
                self.register.left(number, now)
                self._send_census()
            return
        for packet in packets:
            if isinstance(packet.message, Hello):
                number = packet.message.number
                self._strangers.discard(channel)
                self._channels[number] = channel
                self.register.joined(number, packet.message, now)
                self._send_census()
            elif not isinstance(packet.message, Pulse | Ready):
                self.register.handle(number, packet, now)
            if packet.fd >= 0:
                os.close(packet.fd)

    def _send_census(self) -> None:
        census = Census({str(n): [n - 1, os.getpid(), 0] for n in self._channels})
        for number in self._channels:
            self._send(number, census, b"", -1)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            self.register.tick(self.loop.time())
