"""A running HTTP server with real parts behind it, for tests of the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from slipstream.access import Gate
from slipstream.control import Api, Config, Logs, Parts, http_application
from slipstream.hub import Hub, StreamSettings
from slipstream.net.intake import Intake
from slipstream.net.listener import Admissions, open_listening_socket
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump
from slipstream.net.served import ServedFigures
from tests.hub.stage import Watcher

TOKEN = "0123456789abcdef0123456789abcdef"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(eq=False)
class Viewer(Watcher):
    """A viewer with figures."""

    fares: ServedFigures = field(default_factory=ServedFigures)

    def figures(self) -> ServedFigures:  # type: ignore[override]
        return self.fares


class Stage:
    """The parts of a worker, fed by hand, and a client of its API."""

    def __init__(self, config: Config) -> None:
        loop = asyncio.get_running_loop()
        pump = Pump(loop, Pace())
        self.config = config
        self.now = loop.time()
        self.hub = Hub(lambda _: StreamSettings(), pump.wake)
        self.parts = Parts(
            hub=self.hub,
            pump=pump,
            intake=Intake(loop),
            admissions=Admissions(),
            gate=Gate(config.access_settings, "k" * 32),
            logs=Logs(config.log),
            started_at=1_795_000_000.0,
            ready=True,
        )
        self.app = http_application()
        self.url = ""
        self.client: aiohttp.ClientSession

    async def get(
        self, path: str, headers: Mapping[str, str] = WITH_TOKEN, method: str = "GET"
    ) -> aiohttp.ClientResponse:
        response = await self.client.request(method, self.url + path, headers=headers)
        await response.read()
        return response

    async def json(self, path: str) -> dict[str, object]:
        response = await self.get(path)
        assert response.status == 200
        answer: dict[str, object] = await response.json()
        return answer


@asynccontextmanager
async def serving(config: Config | None = None) -> AsyncIterator[Stage]:
    """A stage with its curtain up."""
    stage = Stage(config or Config())
    Api(stage.parts, stage.config, TOKEN).add_to(stage.app)
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
