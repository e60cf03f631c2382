"""A running HTTP server with real parts behind it, for tests of the API; or several, joined."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from slipstream.access import Gate, LiveStore, Operators, Store, StreamKeys
from slipstream.control.alerts.alarm import Alarm
from slipstream.control.api import Api
from slipstream.control.api.keys import KeysResource
from slipstream.control.api.relays import RelaysResource
from slipstream.control.configuration.config import Config
from slipstream.control.configuration.live import LiveConfig
from slipstream.control.configuration.reload import Reloading
from slipstream.control.logs.logs import Logs
from slipstream.control.metrics.counters import Counters
from slipstream.control.metrics.ledger import Ledger
from slipstream.control.metrics.vitals import Vitals
from slipstream.control.parts import Parts
from slipstream.control.reports.overview import Overview
from slipstream.formats import Format
from slipstream.http.application import http_application
from slipstream.hub import Alone, Had, Hub, Publication, Stream
from slipstream.log import Batch, Log
from slipstream.net.admissions import Admissions
from slipstream.net.intake import Intake
from slipstream.net.listener import open_listening_socket
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump
from slipstream.net.served import ServedFigures
from slipstream.net.services import Services
from slipstream.net.settings import NetSettings
from slipstream.relays import RelayControl, Relays, RelayStore
from slipstream.workers.peers import AlonePeers, Peers, given
from tests.hub.stage import Publisher, Watcher

TOKEN = "0123456789abcdef0123456789abcdef"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(eq=False)
class Viewer(Watcher):
    """A viewer with figures."""

    fares: ServedFigures = field(default_factory=ServedFigures)

    def had(self) -> Had:
        fares = self.fares
        return Had(fares.bytes_sent, fares.jumps, fares.skipped_ms, fares.dropped_frames)

    def figures(self) -> ServedFigures:  # type: ignore[override]
        return self.fares


class Neighbour:
    """The `Peers` of a worker whose neighbours run in the same loop; words pass as JSON."""

    def __init__(self, everybody: list[Neighbour]) -> None:
        self.is_silent = False
        self.answers: dict[str, Callable[..., Any]] = {}
        self.directory = Homes(everybody)
        self._everybody = everybody
        everybody.append(self)

    async def ask_all(self, question: str, **arguments: Any) -> list[Any]:
        others = [other for other in self._everybody if other is not self and not other.is_silent]
        await asyncio.sleep(0)
        return [await one.answer(question, arguments) for one in (self, *others)]

    async def ask_home(self, stream: str, question: str, **arguments: Any) -> Any | None:
        for one in self._everybody:
            if stream in one.directory.homes:
                return await one.answer(question, arguments)
        return None

    def answer_with(self, question: str, answer: Callable[..., Any]) -> None:
        self.answers[question] = answer

    async def answer(self, question: str, arguments: Mapping[str, Any]) -> Any:
        said = await given(self.answers[question](**orjson.loads(orjson.dumps(arguments))))
        return orjson.loads(orjson.dumps(said))


class Homes(Alone):
    """The directory of such a worker: knows whose stream it is, and has what it wants written."""

    def __init__(self, everybody: list[Neighbour]) -> None:
        super().__init__()
        self.homes: set[str] = set()  # the streams that are at home here
        self.hub: Hub
        self._everybody = everybody

    def is_elsewhere(self, name: str) -> bool:
        return any(name in d.homes for d in self._directories() if d is not self)

    def follow(self, stream: Stream, form: Format, *, new: bool) -> None:
        for directory in self._directories():
            if directory is not self and stream.name in directory.homes:
                written = directory.hub.tap(stream.name, type(form), Tap())
                if written is not None:
                    _share(written.log, form.log)

    def publish(self, name: str, peer: Publisher, *, credential: str, now: float) -> Publication:
        """Publish a stream here, and have everybody know."""
        self.homes.add(name)
        publication = self.hub.publish(name, peer, credential=credential, now=now)
        for directory in self._directories():
            if directory is not self:
                directory.hub.located(name, now, elsewhere=True)
        return publication

    def release(self, name: str, head_ms: int) -> None:
        self.homes.discard(name)
        for directory in self._directories():
            if directory is not self:
                directory.hub.located(name, 0.0, elsewhere=False)

    def _directories(self) -> list[Homes]:
        return [neighbour.directory for neighbour in self._everybody]


def _share(written: Log, log: Log) -> None:
    """Put what is in one log now into another, as one that follows has it."""
    greetings = [sync.greeting for sync in written.sync_points]
    for segment in written.segments:
        sizes = [end - start for start, end in pairwise((0, *segment.ends))]
        log.adopt(os.dup(segment.fd), segment.capacity, 0)
        log.note(Batch([], sizes, list(segment.times), segment.flags, greetings))


class Tap:
    """Another worker that follows, and reads nothing."""

    def close(self) -> None:
        pass


class Stage:
    """The parts of a worker, fed by hand, and a client of its API."""

    def __init__(
        self,
        config: Config,
        peers: Peers | None = None,
        ledger: Ledger | None = None,
        folder: Path | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        pump = Pump(loop, Pace())
        self.config = config
        self.live = LiveConfig(config)
        self.store = LiveStore(folder or Path("/nowhere"))
        self.now = loop.time()
        self.peers = peers or AlonePeers()
        self.directory = Homes([])
        if isinstance(self.peers, Neighbour):
            self.directory = self.peers.directory
        self.hub = Hub(config.stream_settings, pump.wake, self.directory)
        self.directory.hub = self.hub
        self.parts = Parts(
            hub=self.hub,
            pump=pump,
            intake=Intake(loop),
            admissions=Admissions(),
            gate=Gate(config.access_settings, "k" * 32),
            logs=Logs(config.log),
            ready=True,
            peers=self.peers,
            reload=Reloading(self.live, lambda: config).reload,
            ledger=ledger or Ledger(),
        )
        services = Services(
            loop=loop,
            hub=self.hub,
            pump=pump,
            intake=self.parts.intake,
            gate=self.parts.gate,
            admissions=self.parts.admissions,
            settings=NetSettings(),
        )
        store = RelayStore(folder or Path("/nowhere"))
        relays = Relays(services, lambda: config.relays, store, lambda: True)
        self.relays = RelayControl(relays, store, self.peers, self.parts.worker)
        self.keys = StreamKeys(Store(folder or Path("/nowhere")))
        self.parts.ledger.started_at = 1_795_000_000.0
        self.app = http_application()
        self.url = ""
        self.api: Api
        self.client: aiohttp.ClientSession

    def answer_questions(self) -> None:
        """Answer the other workers as the API of this one does."""
        counters = Counters(self.parts)
        alarm = Alarm(self.hub, self.config.alert_settings)
        Overview(self.parts, counters, Vitals(self.parts, counters), alarm)

    async def get(
        self,
        path: str,
        headers: Mapping[str, str] = WITH_TOKEN,
        method: str = "GET",
        body: bytes | None = None,
    ) -> aiohttp.ClientResponse:
        response = await self.client.request(method, self.url + path, headers=headers, data=body)
        await response.read()
        return response

    async def json(self, path: str) -> dict[str, Any]:
        response = await self.get(path)
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


@asynccontextmanager
async def serving(config: Config | None = None, folder: Path | None = None) -> AsyncIterator[Stage]:
    """A stage with its curtain up."""
    async with _open(Stage(config or Config(), folder=folder)) as stage:
        yield stage


@asynccontextmanager
async def serving_workers(count: int, config: Config | None = None) -> AsyncIterator[list[Stage]]:
    """The workers 11, 12 ... of one server, each with its own API."""
    everybody: list[Neighbour] = []
    ledger = Ledger(count)
    async with AsyncExitStack() as stack:
        stages = [Stage(config or Config(), Neighbour(everybody), ledger) for _ in range(count)]
        for slot, stage in enumerate(stages):
            stage.parts.worker, stage.parts.slot, stage.parts.workers = 11 + slot, slot, count
            await stack.enter_async_context(_open(stage))
        yield stages


@asynccontextmanager
async def _open(stage: Stage) -> AsyncIterator[Stage]:
    stage.api = Api(
        stage.parts,
        stage.live,
        Operators(TOKEN, stage.store),
        [RelaysResource(stage.relays), KeysResource(stage.keys)],
    )
    stage.api.add_to(stage.app)
    runner = web.AppRunner(stage.app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    sock = open_listening_socket("127.0.0.1:0")
    stage.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    await web.SockSite(runner, sock).start()
    async with aiohttp.ClientSession() as stage.client:
        try:
            yield stage
        finally:
            stage.parts.pump.stop()
            await runner.cleanup()
