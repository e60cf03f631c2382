"""Builds one worker out of its parts, starts them, and stops them in order.

The only file that knows every part. Everything below it gets what it needs as arguments.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Sequence
from functools import partial
from time import time

import structlog
from aiohttp import web

from slipstream.access import Gate, Keys, LiveStore, Operators, Store, StreamKeys, live_secrets
from slipstream.access.keys import ReadSecret
from slipstream.app.entrances import Entrances, Sockets
from slipstream.control.api import Api
from slipstream.control.api.keys import KeysResource
from slipstream.control.api.relays import RelaysResource
from slipstream.control.configuration.config import Config
from slipstream.control.configuration.live import LiveConfig
from slipstream.control.configuration.mistakes import ConfigError
from slipstream.control.configuration.reload import Reload, ReloadReport, no_reload
from slipstream.control.logs.logs import Logs
from slipstream.control.memory import MemoryGuard, memory_ceiling
from slipstream.control.metrics.ledger import Ledger
from slipstream.control.parts import Parts
from slipstream.control.reports.listed import ListedStreams
from slipstream.hooks import Hooks
from slipstream.http.application import http_application
from slipstream.http.site import EXTENSIONS, Site
from slipstream.hub import EndReason, Hub, Notice, NoticeKind
from slipstream.log import Log
from slipstream.net.admissions import Admissions, SpareAdmissions
from slipstream.net.farewells import Farewells
from slipstream.net.intake import Intake
from slipstream.net.pace import Pace
from slipstream.net.pump import Pump
from slipstream.net.services import Services
from slipstream.net.shutdown import Shutdown
from slipstream.page.routes import Page
from slipstream.relays import RelayControl, Relays, RelayStore
from slipstream.tls import Certificates
from slipstream.transcode.slates import Slates
from slipstream.transcode.snapshots import StreamSnapshots
from slipstream.workers.membership import Membership

log = structlog.get_logger()

TICK_S = 1.0
HTTP_SHUTDOWN_S = 2.0
LAST_WORDS_S = 2.5  # what links and HTTP requests may take to end; they see to it themselves


class Worker:
    """One process of the server. `start()`, then `stop()`; both once.

    Attributes:
        shutdown: where it is told to end, and when.

    Args:
        live: the configuration in force.
        keys: of this server's data folder.
        logs: started.
        sockets: that listen; they become ours.
        membership: makes this worker's part in a server of several; None if it is the only one.
        ledger: shared by all workers.
        reload: reads the configuration again, if this is the only worker.
    """

    def __init__(
        self,
        live: LiveConfig,
        keys: Keys,
        logs: Logs,
        sockets: Sockets,
        membership: Callable[[Callable[[], int], Pace], Membership] | None = None,
        ledger: Ledger | None = None,
        reload: Reload = no_reload,
    ) -> None:
        config, data_dir = live.config, live.config.server.data_dir
        self._loop = loop = asyncio.get_running_loop()
        self._live = live
        self._logs = logs
        self._workers = config.server.worker_count if membership is not None else 1
        self._pump = Pump(loop, Pace())
        self._intake = Intake(loop, self._workers)
        self._admissions = Admissions()
        self._http_admissions = SpareAdmissions(self._admissions)
        self._membership = member = (
            None if membership is None else membership(self._open_connections, self._pump.pace)
        )
        publish_key, api_token = live_secrets(data_dir, keys, logs.hide)
        gate = Gate(
            live.reader(Config.access_settings),
            publish_key,
            folder=data_dir,
            signing_key=keys.signing_key,
        )
        self._hub = hub = Hub(
            live.reader(Config.stream_settings),
            self._wake,
            None if member is None else member.directory,
        )
        self._memory = MemoryGuard(memory_ceiling(config.server, self._workers), hub.notices)
        self._services = self._make_services(gate)
        self.shutdown = Shutdown(
            self._services,
            self._accept_nobody,
            stop_s=config.server.stop_s,
            drain_s=config.server.drain_s,
        )
        self._hooks = Hooks(
            hub,
            live.reader(Config.hook_settings),
            data_dir,
            places=(self._workers, 0 if member is None else member.badge.slot),
            gives_way=lambda: self.shutdown.is_draining,
        )
        gate.backend = self._services.doorkeeper = self._hooks.asking
        self._slates = Slates(hub, live.reader(Config.slate_settings), loop, self._services.new_id)
        self._certificates = Certificates(live.reader(lambda config: config.tls), data_dir, time)
        self._entrances = Entrances(
            sockets,
            self._services,
            self._http_admissions,
            self._certificates,
            None if member is None else member.loads.others_have_less,
        )
        self._parts = self._make_parts(gate, reload, ledger)
        if member is not None:
            self._join(member, gate)
        store = RelayStore(data_dir)
        self._relays = self._make_relays(store)
        self._snapshots = StreamSnapshots(hub, self._parts.peers)
        self._site = Site(self._services, self._snapshots, lambda: self._parts.ready)
        self._parts.barred = self._site.barred
        self._api = self._make_api(store, api_token)
        self._page = self._make_page(sockets.rtmp[0].getsockname()[1])
        self._runner: web.AppRunner | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._put_in_force(config)
        live.follow(self._put_in_force)

    async def start(self) -> None:
        """Begin to serve."""
        app = http_application()
        self._api.add_to(app)
        self._site.add_to(app)
        self._page.add_to(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=HTTP_SHUTDOWN_S)
        await self._runner.setup()
        assert self._runner.server is not None
        self._entrances.http.open(self._runner.server, self._site.ready)
        self._hooks.start()
        self._logs.on_error = self._tell_error
        if self._membership is not None:
            self._membership.start()
        self._certificates.load()
        self._entrances.start()
        self._parts.ready = True
        if self._membership is not None:
            self._membership.ready()
        self._tick()
        self._slates.start()
        self._relays.start()
        # What is there now lives as long as the process: the collector need not look at it over
        # and over (5 to 8 % of what it costs to take in streams, bench/micro/ingest.py).
        gc.collect()
        gc.freeze()

    async def stop(self) -> None:
        """Accept nobody, let everybody have what is theirs, then end the parts."""
        links = [session.link for session in self._services.sessions]
        if self._ticker is not None:
            self._ticker.cancel()  # from here on nobody is sent away because of the time
        own = [
            asyncio.ensure_future(part.stop())
            for part in (self._slates, self._snapshots, self._relays)
        ]
        await self.shutdown.end()
        assert self._runner is not None
        ends = [*own, asyncio.ensure_future(self._runner.cleanup())]
        await self.shutdown.until(
            lambda: all(end.done() for end in ends) and all(link.fd < 0 for link in links),
            LAST_WORDS_S,
        )
        for end in ends:
            end.cancel()
        for outcome in await asyncio.gather(*ends, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("worker.bug", exc_info=outcome)
        for link in links:
            link.abort()
        self._intake.stop()
        self._pump.stop()
        self._logs.on_error = None
        await self._hooks.stop()
        self._parts.logs.tick()
        if self._membership is not None:
            self._membership.stop()

    # What it is made of

    def _make_services(self, gate: Gate) -> Services:
        member = self._membership
        return Services(
            loop=self._loop,
            hub=self._hub,
            pump=self._pump,
            intake=self._intake,
            gate=gate,
            admissions=self._admissions,
            settings=self._live.config.net,
            directory=self._hub.directory,
            mover=None if member is None else member.mover,
            farewells=Farewells(self._loop),
            refuse_publish=lambda: self._refusal() or self._memory.refusal(),
            worker=0 if member is None else member.badge.number,
        )

    def _make_parts(self, gate: Gate, reload: Reload, ledger: Ledger | None) -> Parts:
        parts = Parts(
            hub=self._hub,
            pump=self._pump,
            intake=self._intake,
            admissions=self._admissions,
            gate=gate,
            logs=self._logs,
            hooks=self._hooks,
            memory=self._memory,
            reload=reload,
            workers=self._workers,
            certificates=self._certificates,
        )
        if ledger is not None:
            parts.ledger = ledger
        parts.others.update(self._hooks.counts)
        parts.others["certificate_expires"] = self._certificate_expires
        return parts

    def _join(self, member: Membership, gate: Gate) -> None:
        """Join what happens here with what happens in the other workers."""
        parts = self._parts
        parts.peers = member.peers
        parts.feed_bytes = lambda: member.feeds.sent_bytes
        parts.worker, parts.slot = member.badge.number, member.badge.slot
        parts.reload = partial(_reload_by, member)
        self._admissions.on_change.append(member.loads.changed)
        member.attach(self._hub, gate.failures, self._entrances.receive)
        member.configuring.on_told = self._follow_supervisor

    def _make_relays(self, store: RelayStore) -> Relays:
        relays = Relays(
            self._services,
            self._live.reader(lambda config: config.relays),
            store,
            lambda: self._parts.ready,
            slot=self._parts.slot,
            workers=self._workers,
        )
        self._parts.others.update(relays.counts)
        return relays

    def _make_api(self, store: RelayStore, api_token: ReadSecret) -> Api:
        data_dir = self._live.config.server.data_dir
        relays = RelayControl(self._relays, store, self._parts.peers, self._parts.worker)
        return Api(
            self._parts,
            self._live,
            Operators(api_token, LiveStore(data_dir)),
            [RelaysResource(relays), KeysResource(StreamKeys(Store(data_dir)))],
        )

    def _make_page(self, rtmp_port: int) -> Page:
        live = self._live
        return Page(
            self._services,
            ListedStreams(self._api.overview, self._hub),
            lambda: live.config.page,
            extensions=EXTENSIONS,
            rtmp_port=rtmp_port,
            open_to_publish=lambda: live.config.access_settings("live/x").publish == "anonymous",
        )

    # While it serves

    def _open_connections(self) -> int:
        return self._admissions.open

    def _put_in_force(self, config: Config) -> None:
        """Tell those parts that do not ask for their settings each time."""
        net, workers = config.net, self._workers
        held = net.pump_interval
        self._pump.pace.hold(None if held == "auto" else held / 1000)
        for admissions in (self._admissions, self._http_admissions):
            admissions.limit(
                max_pending=max(net.max_pending // workers, 1),
                max_pending_per_address=max(net.max_pending_per_address // workers, 1),
            )
        self._services.settings = net
        self.shutdown.stop_s, self.shutdown.drain_s = config.server.stop_s, config.server.drain_s
        self._memory.max_bytes = memory_ceiling(config.server, workers)
        self._logs.change(config.log)
        self._hub.reconfigure()
        for session in list(self._services.sessions):
            session.reconfigure()

    def _follow_supervisor(self, text: str, pending: Sequence[str]) -> None:
        try:
            config = Config.from_json(text)
        except ConfigError as error:
            log.warning("config.refused", mistake=str(error))
            return
        self._live.apply(config)
        self._live.pending = list(pending)

    def _certificate_expires(self) -> dict[str, float]:
        expires_at = self._certificates.expires_at
        return {} if expires_at is None else {str(self._parts.slot): expires_at}

    def _accept_nobody(self) -> None:
        self._parts.ready = False
        self._entrances.stop()

    def _refusal(self) -> str:
        return str(EndReason.SHUTDOWN) if self.shutdown.is_stopping else ""

    def _tell_error(self, kind: str) -> None:
        """Have it known that the log has a line of an error; called in any thread."""
        if kind != "notice.bug":  # listeners would be told of their own
            notice = Notice(NoticeKind.ERROR, reason=kind)
            self._loop.call_soon_threadsafe(self._hub.notices.tell, notice)

    def _wake(self, log: Log, picture: bool) -> None:
        self._pump.wake(log, picture)
        self._site.wake(log)
        if self._membership is not None:
            self._membership.wake(log, picture)

    def _tick(self) -> None:
        self._hub.tick(self._loop.time())
        self._parts.logs.tick()
        self._certificates.look()
        self._services.revocations.look()
        self._ticker = self._loop.call_later(TICK_S, self._tick)


async def _reload_by(member: Membership) -> ReloadReport | None:
    """Ask the supervisor to have the whole server read its configuration again."""
    report = await member.configuring.reload()
    return None if report is None else ReloadReport.from_json(report)
