"""All relays of a worker: which there should be, and that these run and no others.

About once a second, and whenever a stream begins, a viewer waits or the rules have changed, what
there should be is worked out anew from the configuration, the store and the hub. So nothing has
to be remembered from one look to the next.

A push runs where the stream is published. A pull that is not on demand runs in one worker: whoever
has the slot that its id says; when that worker dies, the one that takes its place. A pull on
demand runs in the worker of the first viewer.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from zlib import crc32

import structlog

from slipstream.hub import EndReason, Notice, NoticeKind, Stream
from slipstream.net.services import Services
from slipstream.relays.push import PROTOCOL as PUSH
from slipstream.relays.relay import Relay, RelayState
from slipstream.relays.rule import RelayKind, Rule
from slipstream.relays.settings import RelaySettings
from slipstream.relays.store import RelayStore

log = structlog.get_logger()

LOOK_S = 1.0
MAX_ON_DEMAND = 100  # in one worker: viewers choose the names

Key = tuple[str, str]  # of a relay: the rule's id, the stream


class Relays:
    """The hub's `SourceFinder`. Call `start()` once the hub serves, `stop()` at the end.

    Attributes:
        running: every stream that is relayed here, by rule and name.

    Args:
        services: of this worker.
        settings_of: the settings in force.
        store: what was added at run time.
        is_open: whether this worker takes on anything new.
        slot: which of the server's places this worker has, from 0.
        workers: how many places there are.
    """

    def __init__(
        self,
        services: Services,
        settings_of: Callable[[], RelaySettings],
        store: RelayStore,
        is_open: Callable[[], bool],
        *,
        slot: int = 0,
        workers: int = 1,
    ) -> None:
        self.running: dict[Key, Relay] = {}
        self._past_bytes: Counter[str] = Counter()  # of relays that are no more, by kind
        self._past_reconnects: Counter[str] = Counter()
        self._services = services
        self._hub = services.hub
        self._settings_of = settings_of
        self._store = store
        self._is_open = is_open
        self._slot = slot
        self._workers = workers
        self._closing: list[Relay] = []
        self._timer: asyncio.TimerHandle | None = None
        self._soon: asyncio.Handle | None = None
        self._is_stopping = False
        self._static: tuple[RelaySettings | None, list[Rule]] = None, []

    def start(self) -> None:
        """Look after the relays from now on."""
        self._hub.notices.listeners.append(self._listen)
        self._hub.sources = self
        self._tick()

    async def stop(self) -> None:
        """End what is pulled at once, and what is pushed when the hub sends it away."""
        self._is_stopping = True
        if self._timer is not None:
            self._timer.cancel()
        for relay in list(self.running.values()):
            relay.tries_again = False
            if relay.rule.kind is RelayKind.PULL or relay.state is not RelayState.RUNNING:
                self._end(relay, str(EndReason.SHUTDOWN))
        left = [*self.running.values(), *self._closing]
        await asyncio.gather(*(relay.wait() for relay in left))

    @property
    def counts(self) -> dict[str, Callable[[], Mapping[str, float]]]:
        """Functions that read what is counted, by what it is of: metrics with a label each."""
        return {
            "relays": lambda: Counter(str(relay.state) for relay in self.running.values()),
            "relay_bytes": lambda: self._by_kind(self._past_bytes, lambda relay: relay.bytes),
            "relay_reconnects": lambda: self._by_kind(
                self._past_reconnects, lambda relay: relay.reconnects
            ),
        }

    def _by_kind(
        self, past: Mapping[str, int], number: Callable[[Relay], int]
    ) -> Mapping[str, float]:
        numbers = Counter({str(kind): past[kind] for kind in RelayKind})
        for relay in self.running.values():
            numbers[str(relay.rule.kind)] += number(relay)
        return numbers

    # Rules

    def rules(self) -> list[Rule]:
        """All there are, the configuration's first."""
        settings = self._settings_of()
        if settings is not self._static[0]:
            orders = (*settings.push, *settings.pull)
            self._static = settings, [Rule.of(order, is_static=True) for order in orders]
        rules = {rule.id: rule for rule in (*self._static[1], *self._store.read().rules)}
        for rule in self._static[1]:
            rules[rule.id] = rule
        return list(rules.values())

    def is_stopped(self, rule: Rule) -> bool:
        """Whether the operator has stopped it."""
        return rule.id in self._store.read().stopped

    @property
    def allowed_hosts(self) -> list[str]:
        """What relays may reach besides public addresses."""
        return self._settings_of().allowed_hosts

    # Told

    def find(self, name: str) -> None:  # noqa: ARG002 - the hub knows who waits for what
        """Somebody waits for a stream that no encoder publishes."""
        self.look_soon()

    def look_soon(self) -> None:
        """Look at the end of this turn."""
        if self._soon is None and not self._is_stopping:
            self._soon = self._services.loop.call_soon(self._look)

    def _listen(self, notice: Notice) -> None:
        if notice.kind is NoticeKind.STREAM_UP:
            self.look_soon()

    # Looking

    def _tick(self) -> None:
        for relay in self.running.values():
            if relay.session is not None:
                relay.session.measure()
        self._look()
        if not self._is_stopping:
            self._timer = self._services.loop.call_later(LOOK_S, self._tick)

    def _look(self) -> None:
        """Begin what should run and does not, end what should not."""
        self._soon = None
        if self._is_stopping:
            return
        try:
            wanted = {
                (rule.id, stream): rule
                for rule in self.rules()
                if not self.is_stopped(rule)
                for stream in self._streams(rule)
            }
        except Exception:  # a bug of ours; what runs goes on
            log.exception("relays.bug")
            return
        for key, relay in list(self.running.items()):
            if key not in wanted:
                self._end(relay, "it is not wanted any more")
        for key, rule in wanted.items():
            if key not in self.running:
                relay = Relay(self._services, rule, key[1], self._settings_of)
                self.running[key] = relay
                relay.start()
        self._closing = [relay for relay in self._closing if not relay.is_done]

    def _end(self, relay: Relay, reason: str) -> None:
        self.running.pop((relay.rule.id, relay.stream), None)
        relay.close(reason)
        self._closing.append(relay)
        self._past_bytes[relay.rule.kind] += relay.bytes
        self._past_reconnects[relay.rule.kind] += relay.reconnects

    def _streams(self, rule: Rule) -> Iterator[str]:
        """Which streams are to be relayed here by a rule."""
        if rule.kind is RelayKind.PULL and not rule.on_demand:
            if self._is_open() and crc32(rule.id.encode()) % self._workers == self._slot:
                yield rule.stream
            return
        now = self._services.loop.time()
        for stream in self._hub.streams.values():
            if not rule.matches(stream.name):
                continue
            relay = self.running.get((rule.id, stream.name))
            if rule.kind is RelayKind.PUSH:
                if _is_pushed(stream, relay, now):
                    yield stream.name
            elif self._is_pulled(stream, relay, now):
                yield stream.name

    def _is_pulled(self, stream: Stream, relay: Relay | None, now: float) -> bool:
        """Whether a stream is to be fetched because somebody watches, or did just now."""
        if relay is None:
            pulls = sum(running.rule.on_demand for running in self.running.values())
            open_ = self._is_open() and pulls < MAX_ON_DEMAND
            return open_ and _is_watched(stream) and not _has_encoder(stream)
        if _has_encoder(stream) and not _is_on_air(relay, stream):
            return False
        if _is_watched(stream):
            relay.watched_at = now
        linger_s = self._settings_of().linger_s if relay.state is RelayState.RUNNING else 0
        return now - relay.watched_at <= linger_s


def _is_pushed(stream: Stream, relay: Relay | None, now: float) -> bool:
    """Whether a stream is to be sent on: while an encoder is on air here, and then as long as a
    viewer would stay, or as others watch what is shown in its place.
    """
    if stream.is_elsewhere or _has_encoder(stream):
        return not stream.is_elsewhere
    off_air_s = stream.off_air_s(now)
    if relay is None or off_air_s is None:
        return False
    return off_air_s < stream.settings.grace_s or (stream.on_slate and _is_watched(stream))


def _is_on_air(relay: Relay, stream: Stream) -> bool:
    session, on_air = relay.session, stream.on_air
    return bool(session and on_air and on_air.peer.connection_id == session.connection_id)


def _has_encoder(stream: Stream) -> bool:
    return stream.is_live and not stream.on_slate


def _is_watched(stream: Stream) -> bool:
    """Whether there is anybody but us."""
    viewers = stream.subscriptions
    return bool(stream.audience.taps) or any(viewer.peer.protocol != PUSH for viewer in viewers)
