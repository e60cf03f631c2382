"""Runs workers: one alone, one with a test picture, or one of several."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from slipstream.access import Keys, load_keys
from slipstream.app.entrances import Sockets
from slipstream.app.worker import Worker
from slipstream.control.configuration.config import Config
from slipstream.control.configuration.live import LiveConfig
from slipstream.control.configuration.reload import LoadConfig, Reloading
from slipstream.control.data_folder import open_data_folder
from slipstream.control.logs.logs import Logs
from slipstream.control.metrics.ledger import Ledger
from slipstream.control.pid_file import pid_file
from slipstream.control.service_manager import READY, STOPPING, notify
from slipstream.control.welcome import welcome
from slipstream.net.listener import format_address, open_listening_socket
from slipstream.net.pace import Pace
from slipstream.workers.inheritance import Inheritance, Succession
from slipstream.workers.membership import Badge, Membership
from slipstream.workers.rendezvous import Rendezvous

log = structlog.get_logger()


def serve(config: Config, load: LoadConfig) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        config: to begin with.
        load: reads it again.

    Raises:
        SlipstreamError: an address cannot be used, or the data folder.
    """
    keys = load_keys(config.server.data_dir)
    places = config.server.rtmp, config.server.http, *config.encrypted()
    sockets = Sockets(*([open_listening_socket(place)] if place else [] for place in places))
    with _logs(config, keys) as logs, pid_file(config.server.data_dir):
        _run(_serve(LiveConfig(config), load, keys, logs, sockets))


def demonstrate(config: Config) -> None:
    """Serve, and publish our own test picture and sound, until SIGINT or SIGTERM.

    Raises:
        SlipstreamError: an address cannot be used, or the picture cannot be made.
    """
    from slipstream.tools import demo  # it draws figures on a terminal, which no server does

    open_data_folder(config.server.data_dir)
    keys = load_keys(config.server.data_dir)
    with _logs(config, keys) as logs:

        def make_worker(rtmp: Sequence[socket.socket], http: Sequence[socket.socket]) -> Worker:
            return Worker(LiveConfig(config), keys, logs, Sockets(rtmp, http))

        demo.run(make_worker, keys.publish_key, config.server.rtmp, config.server.http)


@dataclass(frozen=True, slots=True)
class WorkerStart:
    """What a worker of a server of several begins with; all of it becomes its own."""

    config: Config
    keys: Keys
    ledger: Ledger
    sockets: Sockets
    badge: Badge
    inheritance: Inheritance
    rendezvous: Rendezvous


def work(start: WorkerStart) -> None:
    """Be a worker until the supervisor says stop, or says drain and everybody has left."""
    secrets = (start.keys.publish_key, start.keys.api_token)
    logs = Logs(
        start.config.log,
        secrets=secrets,
        worker=start.badge.number,
        share=start.config.server.worker_count,
    )
    logs.start()
    _run(_work(start, logs))


async def _work(start: WorkerStart, logs: Logs) -> None:
    loop = asyncio.get_running_loop()

    def drain() -> None:
        succession.abstain()
        worker.shutdown.drain()

    def stop() -> None:
        succession.abstain()
        worker.shutdown.stop()

    def membership(count: Callable[[], int], pace: Pace) -> Membership:
        member = Membership(start.badge, succession, loop, count, pace)
        member.on_stop, member.on_drain = stop, drain
        return member

    succession = Succession(start.inheritance, start.rendezvous, drain)

    worker = Worker(
        LiveConfig(start.config),
        start.keys,
        logs,
        start.sockets,
        membership=membership,
        ledger=start.ledger,
    )
    # A service manager sends it to all processes, and the supervisor says stop as well.
    loop.add_signal_handler(signal.SIGTERM, worker.shutdown.stop_once)
    await worker.start()
    await worker.shutdown.wanted()
    await worker.stop()


@contextmanager
def _logs(config: Config, keys: Keys) -> Iterator[Logs]:
    logs = Logs(config.log, secrets=(keys.publish_key, keys.api_token))
    logs.start()
    try:
        yield logs
    finally:
        logs.stop()


async def _serve(
    live: LiveConfig, load: LoadConfig, keys: Keys, logs: Logs, sockets: Sockets
) -> None:
    reloading = Reloading(live, load)
    worker = Worker(live, keys, logs, sockets, reload=reloading.reload)
    places = [format_address(sock) for socks in sockets for sock in socks]
    await worker.start()
    print(welcome(live.config, keys, *places), file=sys.stderr)  # noqa: T201
    notify(READY)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.shutdown.stop)
    loop.add_signal_handler(signal.SIGUSR2, _cannot_replace)
    loop.add_signal_handler(signal.SIGHUP, reloading.begin)
    await worker.shutdown.wanted()
    log.info("server.stopping")
    notify(STOPPING)
    await worker.stop()


def _cannot_replace() -> None:
    log.warning("server.not_replaced", reason="it takes at least two workers")


def _run(main: Coroutine[None, None, None]) -> None:
    """Run with uvloop where it is installed: cheaper callbacks, a tenth of the memory for TLS."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)
