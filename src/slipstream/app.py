"""Builds one worker out of its parts, runs it, and stops the parts in order.

The only file that knows every part. Everything below it gets what it needs as arguments.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import time

import structlog
from aiohttp import web

from slipstream.access import Gate, Keys, load_keys
from slipstream.control import Api, Config, Logs, Parts, http_application, welcome
from slipstream.hub import EndReason, Hub
from slipstream.net.http_flv import HttpFlv
from slipstream.net.intake import Intake
from slipstream.net.link import Link
from slipstream.net.listener import Admissions, Listener, format_address, open_listening_socket
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump
from slipstream.net.rtmp_session import RtmpSession
from slipstream.net.services import Services

log = structlog.get_logger()

TICK_S = 1.0
HTTP_SHUTDOWN_S = 2.0
POLL_S = 0.02


class Worker:
    """One process of the server. `start()`, then `stop()`; both once.

    Args:
        config: checked.
        keys: of this server's data folder.
        logs: started.
        rtmp: listening sockets for RTMP; they become ours.
        http: the same for HTTP.
    """

    def __init__(
        self,
        config: Config,
        keys: Keys,
        logs: Logs,
        rtmp: Sequence[socket.socket],
        http: Sequence[socket.socket],
    ) -> None:
        loop = asyncio.get_running_loop()
        net = config.net
        held = net.pump_interval
        pump = Pump(loop, Pace(None if held == "auto" else held / 1000))
        gate = Gate(config.access_settings, keys.publish_key)
        self._hub = Hub(config.stream_settings, pump.wake)
        self._intake = Intake(loop)
        self._services = Services(
            loop=loop,
            hub=self._hub,
            pump=pump,
            intake=self._intake,
            gate=gate,
            admissions=Admissions(
                max_pending=net.max_pending, max_pending_per_address=net.max_pending_per_address
            ),
            settings=net,
        )
        self._listeners = [
            Listener(sock, partial(RtmpSession, self._services), self._services.admissions, loop)
            for sock in rtmp
        ]
        self._flv = HttpFlv(self._services)
        self._parts = Parts(
            hub=self._hub,
            pump=pump,
            intake=self._intake,
            admissions=self._services.admissions,
            gate=gate,
            logs=logs,
            started_at=time(),
        )
        self._api = Api(self._parts, config, keys.api_token)
        self._http_sockets = http
        self._runner: web.AppRunner | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._loop = loop
        self._pump = pump

    async def start(self) -> None:
        """Begin to serve."""
        app = http_application()
        self._api.add_to(app)
        self._flv.add_to(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=HTTP_SHUTDOWN_S)
        await self._runner.setup()
        for sock in self._http_sockets:
            await web.SockSite(self._runner, sock, backlog=4096).start()
        for listener in self._listeners:
            listener.start()
        self._parts.ready = True
        self._tick()
        # What is there now lives as long as the process: the collector need not look at it over
        # and over (5 to 8 % of what it costs to take in streams, bench/micro/ingest.py).
        gc.collect()
        gc.freeze()

    async def stop(self) -> None:
        """Accept nobody, tell everybody, then end the parts from the outside in."""
        self._parts.ready = False
        for listener in self._listeners:
            listener.stop()
        self._hub.end(EndReason.SHUTDOWN, self._loop.time())
        links = [session.link for session in self._services.sessions]
        for session in list(self._services.sessions):
            session.close(str(EndReason.SHUTDOWN))
        await _gone(links)
        if self._ticker is not None:
            self._ticker.cancel()
        self._intake.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        self._pump.stop()

    def _tick(self) -> None:
        self._hub.tick(self._loop.time())
        self._parts.logs.tick()
        self._ticker = self._loop.call_later(TICK_S, self._tick)


async def _gone(links: Sequence[Link]) -> None:
    """Let peers read their last words; links see to it themselves that this ends."""
    while any(link.fd >= 0 for link in links):  # noqa: ASYNC110 - a link has no event for it
        await asyncio.sleep(POLL_S)


def serve(config: Config) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        SlipstreamError: an address cannot be used, or the data folder.
    """
    keys = load_keys(config.server.data_dir)
    rtmp = open_listening_socket(config.server.rtmp)
    http = open_listening_socket(config.server.http)
    with _logs(config, keys) as logs:
        _run(_serve(config, keys, logs, rtmp, http))


def demonstrate(config: Config) -> None:
    """Serve, and publish our own test picture and sound, until SIGINT or SIGTERM.

    Raises:
        SlipstreamError: an address cannot be used, or the picture cannot be made.
    """
    from slipstream.tools import demo  # it draws figures on a terminal, which no server does

    keys = load_keys(config.server.data_dir)
    with _logs(config, keys) as logs:
        make_worker = partial(Worker, config, keys, logs)
        demo.run(make_worker, keys.publish_key, config.server.rtmp, config.server.http)


@contextmanager
def _logs(config: Config, keys: Keys) -> Iterator[Logs]:
    logs = Logs(config.log, secrets=(keys.publish_key, keys.api_token))
    logs.start()
    try:
        yield logs
    finally:
        logs.stop()


async def _serve(
    config: Config, keys: Keys, logs: Logs, rtmp: socket.socket, http: socket.socket
) -> None:
    worker = Worker(config, keys, logs, [rtmp], [http])
    await worker.start()
    print(  # noqa: T201
        welcome(config, keys, format_address(rtmp), format_address(http)), file=sys.stderr
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    log.info("server.stopping")
    await worker.stop()


def _run(main: Coroutine[None, None, None]) -> None:
    """Run with uvloop where it is installed: cheaper callbacks, a tenth of the memory for TLS."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)
