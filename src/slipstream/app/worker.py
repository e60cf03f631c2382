"""Builds one worker out of its parts, starts them, and stops them in order.

The only file that knows every part. Everything below it gets what it needs as arguments.
"""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable, Sequence
from functools import partial
from time import time

import structlog
from aiohttp import web

from slipstream.access import Gate, Keys, LiveStore, Operators, Store, StreamKeys, live_secrets
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
from slipstream.http.entrance import HttpEntrance
from slipstream.http.site import EXTENSIONS, Site
from slipstream.hub import EndReason, Hub, Notice, NoticeKind
from slipstream.log import Log
from slipstream.net.admissions import Admissions, SpareAdmissions
from slipstream.net.farewells import Farewells
from slipstream.net.intake import Intake
from slipstream.net.link import NOBODY, Link
from slipstream.net.listener import Accept, Listener
from slipstream.net.pace import Pace
from slipstream.net.proxies import Proxies
from slipstream.net.pump import Pump
from slipstream.net.rtmp_session import RtmpSession
from slipstream.net.services import Services
from slipstream.net.shutdown import Shutdown
from slipstream.net.tls_entrance import TlsEntrance
from slipstream.net.tls_link import TlsLink
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
SHARED_ACCEPTS_PER_TURN = 4  # of a socket that other workers accept from as well


class Worker:
    """One process of the server. `start()`, then `stop()`; both once.

    Attributes:
        shutdown: where it is told to end, and when.

    Args:
        live: the configuration in force.
        keys: of this server's data folder.
        logs: started.
        rtmp: listening sockets for RTMP; they become ours.
        http: the same for HTTP.
        rtmps: the same for RTMPS.
        https: the same for HTTPS.
        membership: makes this worker's part in a server of several; None if it is the only one.
        ledger: shared by all workers.
        reload: reads the configuration again, if this is the only worker.
    """

    def __init__(
        self,
        live: LiveConfig,
        keys: Keys,
        logs: Logs,
        rtmp: Sequence[socket.socket],
        http: Sequence[socket.socket],
        membership: Callable[[Callable[[], int], Pace], Membership] | None = None,
        ledger: Ledger | None = None,
        reload: Reload = no_reload,
        *,
        rtmps: Sequence[socket.socket] = (),
        https: Sequence[socket.socket] = (),
    ) -> None:
        loop = asyncio.get_running_loop()
        config = live.config
        self._loop = loop
        self._live = live
        self._logs = logs
        self._workers = workers = config.server.worker_count if membership is not None else 1
        self._pump = pump = Pump(loop, Pace())
        self._intake = Intake(loop, workers)
        self._admissions = admissions = Admissions()
        self._http_admissions = http_admissions = SpareAdmissions(admissions)
        self._membership = member = (
            None if membership is None else membership(lambda: admissions.open, pump.pace)
        )
        publish_key, api_token = live_secrets(config.server.data_dir, keys, logs.hide)
        gate = Gate(
            live.reader(Config.access_settings),
            publish_key,
            folder=config.server.data_dir,
            signing_key=keys.signing_key,
        )
        self._hub = hub = Hub(
            live.reader(Config.stream_settings),
            self._wake,
            None if member is None else member.directory,
        )
        memory = MemoryGuard(memory_ceiling(config.server, workers), hub.notices)
        self._services = services = Services(
            loop=loop,
            hub=hub,
            pump=pump,
            intake=self._intake,
            gate=gate,
            admissions=admissions,
            settings=config.net,
            directory=hub.directory,
            mover=None if member is None else member.mover,
            farewells=Farewells(loop),
            refuse_publish=lambda: self._refusal() or memory.refusal(),
            worker=0 if member is None else member.badge.number,
        )
        self.shutdown = Shutdown(
            services,
            self._accept_nobody,
            stop_s=config.server.stop_s,
            drain_s=config.server.drain_s,
        )
        self._hooks = Hooks(
            hub,
            live.reader(Config.hook_settings),
            config.server.data_dir,
            places=(workers, 0 if member is None else member.badge.slot),
            gives_way=lambda: self.shutdown.is_draining,
        )
        gate.backend = services.doorkeeper = self._hooks.asking
        self._slates = Slates(hub, live.reader(Config.slate_settings), loop, services.new_id)
        self._http = HttpEntrance(http_admissions, loop, self._trusted_proxies)
        self._proxies = Proxies(self._trusted_proxies, loop)
        self._certificates = Certificates(
            live.reader(lambda config: config.tls), config.server.data_dir, time
        )
        self._listeners = [
            self._listener(sock, accept, who)
            for socks, accept, who in (
                (rtmp, self._accept, admissions),
                (http, self._http, http_admissions),
                (rtmps, self._encrypted(partial(RtmpSession, services), admissions), admissions),
                (
                    https,
                    self._encrypted(self._http.take_encrypted, http_admissions),
                    http_admissions,
                ),
            )
            for sock in socks
        ]
        self._parts = Parts(
            hub=hub,
            pump=pump,
            intake=self._intake,
            admissions=admissions,
            gate=gate,
            logs=logs,
            hooks=self._hooks,
            memory=memory,
            reload=reload,
            workers=workers,
            certificates=self._certificates,
        )
        if ledger is not None:
            self._parts.ledger = ledger
        if member is not None:
            admissions.on_change.append(member.loads.changed)
            self._parts.peers = member.peers
            self._parts.feed_bytes = lambda: member.feeds.sent_bytes
            self._parts.worker, self._parts.slot = member.badge.number, member.badge.slot
            member.attach(hub, gate.failures, self._receive)
            member.configuring.on_told = self._follow_supervisor
            self._parts.reload = partial(_reload_by, member)
        store = RelayStore(config.server.data_dir)
        self._relays = Relays(
            services,
            live.reader(lambda config: config.relays),
            store,
            lambda: self._parts.ready,
            slot=self._parts.slot,
            workers=workers,
        )
        self._parts.others.update(self._hooks.counts)
        self._parts.others.update(self._relays.counts)
        self._parts.others["certificate_expires"] = self._certificate_expires
        control = RelayControl(self._relays, store, self._parts.peers, self._parts.worker)
        self._snapshots = StreamSnapshots(hub, self._parts.peers)
        self._site = Site(services, self._snapshots, lambda: self._parts.ready)
        self._parts.barred = self._site.barred
        self._api = Api(
            self._parts,
            live,
            Operators(api_token, LiveStore(config.server.data_dir)),
            [RelaysResource(control), KeysResource(StreamKeys(Store(config.server.data_dir)))],
        )
        self._page = Page(
            services,
            ListedStreams(self._api.overview, hub),
            lambda: live.config.page,
            extensions=EXTENSIONS,
            rtmp_port=rtmp[0].getsockname()[1],
            open_to_publish=lambda: live.config.access_settings("live/x").publish == "anonymous",
        )
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
        self._http.open(self._runner.server, self._site.ready)
        self._hooks.start()
        self._logs.on_error = self._tell_error
        if self._membership is not None:
            self._membership.start()
        self._certificates.load()
        for listener in self._listeners:
            listener.start()
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
        self._parts.memory.max_bytes = memory_ceiling(config.server, workers)
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
        for listener in self._listeners:
            listener.stop()
        self._proxies.stop()

    def _trusted_proxies(self) -> Sequence[str]:
        return self._services.settings.trusted_proxies

    def _refusal(self) -> str:
        return str(EndReason.SHUTDOWN) if self.shutdown.is_stopping else ""

    def _listener(self, sock: socket.socket, accept: Accept, admissions: Admissions) -> Listener:
        member = self._membership
        if member is None:
            return Listener(sock, accept, admissions, self._loop, proxies=self._proxies)
        return Listener(
            sock,
            accept,
            admissions,
            self._loop,
            per_turn=SHARED_ACCEPTS_PER_TURN,
            others_have_less=member.loads.others_have_less,
            proxies=self._proxies,
        )

    def _receive(
        self,
        sock: socket.socket,
        address: str,
        connection_id: str,
        said: Sequence[bytes],
        permit: bytes,
    ) -> None:
        """Take over a connection from another worker, for a stream whose home is here."""
        self._services.admissions.opened(address)
        RtmpSession(self._services, self._link(sock, address), connection_id).repeat(said, permit)

    def _accept(self, sock: socket.socket, address: str) -> RtmpSession:
        """Take in a connection that speaks RTMP."""
        return RtmpSession(self._services, self._link(sock, address))

    def _link(self, sock: socket.socket, address: str) -> Link:
        return Link(sock, address, NOBODY, self._loop, leaving=self._services.farewells)

    def _encrypted(
        self, accept: Callable[[TlsLink], object], admissions: Admissions
    ) -> TlsEntrance:
        """What takes in connections that speak the same over TLS."""
        return TlsEntrance(
            lambda: self._certificates.context,
            accept,
            admissions,
            self._loop,
            within_s=lambda: self._services.settings.handshake_s,
            leaving=self._services.farewells,
        )

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
