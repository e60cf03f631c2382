"""What the operator can do with relays, in all workers at once; what the API calls.

The store is changed first, then all workers are told to look; one that does not hear looks by
itself within a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, replace
from ipaddress import ip_address

import structlog

from slipstream.errors import SlipstreamError
from slipstream.relays.dial import refusal
from slipstream.relays.relays import Relays
from slipstream.relays.report import ConnectionReport, RelayReport
from slipstream.relays.rule import Rule
from slipstream.relays.store import Kept, RelayStore
from slipstream.workers.peers import Peers

log = structlog.get_logger()


class ConflictError(SlipstreamError):
    """As things are it cannot be done."""


class RelayControl:
    """Made once in each worker: it also answers for this worker when another one asks.

    Args:
        relays: of this worker.
        store: theirs.
        peers: all workers.
        worker: the number of this one.
    """

    def __init__(self, relays: Relays, store: RelayStore, peers: Peers, worker: int) -> None:
        self._relays = relays
        self._store = store
        self._peers = peers
        self._worker = worker
        peers.answer_with("relays", self._connections_here)
        peers.answer_with("relays_changed", self._look_here)

    async def reports(self) -> list[RelayReport]:
        """All relays, with what runs of them in all workers."""
        connections: dict[str, list[ConnectionReport]] = {}
        for answer in await self._peers.ask_all("relays"):
            for relay_id, values in answer:
                connections.setdefault(relay_id, []).append(ConnectionReport(**values))
        return [
            RelayReport.of(
                rule,
                sorted(connections.get(rule.id, []), key=lambda one: one.stream),
                is_stopped=self._relays.is_stopped(rule),
            )
            for rule in self._relays.rules()
        ]

    async def report(self, relay_id: str) -> RelayReport | None:
        """One relay; None if there is no such one."""
        return next((report for report in await self.reports() if report.id == relay_id), None)

    async def add(self, rule: Rule) -> RelayReport:
        """Relay by this rule from now on, and after a restart.

        Raises:
            ConflictError: there is such a relay.
            StoreError: the store cannot be written.
            SlipstreamError: the address may not be reached, or there are too many.
        """
        self._check(rule)

        def add(kept: Kept) -> Kept:
            if rule.id in {known.id for known in (*kept.rules, *self._relays.rules())}:
                raise ConflictError(f"there is such a relay: {rule.id}")
            return replace(kept, rules=(*kept.rules, rule))

        await self._change(add)
        log.info("relay.added", relay=rule.id, stream=rule.stream, url=rule.shown_url)
        report = await self.report(rule.id)
        return report or RelayReport.of(rule, [], is_stopped=False)

    async def remove(self, relay_id: str) -> bool:
        """Relay by it no more; False if there is no such relay.

        Raises:
            ConflictError: it stands in the configuration.
            StoreError: the store cannot be written.
        """
        rule = self._find(relay_id)
        if rule is None:
            return False
        if rule.is_static:
            raise ConflictError("it stands in the configuration: take it out there, or stop it")

        def remove(kept: Kept) -> Kept:
            rules = tuple(known for known in kept.rules if known.id != relay_id)
            return Kept(rules, kept.stopped - {relay_id})

        await self._change(remove)
        log.info("relay.removed", relay=relay_id)
        return True

    async def stop(self, relay_id: str) -> RelayReport | None:
        """Let it rest until it is started, also after a restart; None: there is no such relay.

        Raises:
            StoreError: the store cannot be written.
        """
        return await self._set_stopped(relay_id, is_stopped=True)

    async def start(self, relay_id: str) -> RelayReport | None:
        """Have it run again; None: there is no such relay.

        Raises:
            StoreError: the store cannot be written.
        """
        return await self._set_stopped(relay_id, is_stopped=False)

    async def _set_stopped(self, relay_id: str, *, is_stopped: bool) -> RelayReport | None:
        if self._find(relay_id) is None:
            return None

        def set_stopped(kept: Kept) -> Kept:
            rest = kept.stopped - {relay_id}
            return replace(kept, stopped=rest | {relay_id} if is_stopped else rest)

        await self._change(set_stopped)
        log.info("relay.stopped" if is_stopped else "relay.started", relay=relay_id)
        return await self.report(relay_id)

    async def _change(self, change: Callable[[Kept], Kept]) -> None:
        self._store.change(change)
        await self._peers.ask_all("relays_changed")

    def _find(self, relay_id: str) -> Rule | None:
        return next((rule for rule in self._relays.rules() if rule.id == relay_id), None)

    def _check(self, rule: Rule) -> None:
        """Refuse at once what is certain to be refused; names are resolved when it connects."""
        host = rule.url_for(rule.stream.replace("*", "x")).host
        try:
            address = str(ip_address(host))
        except ValueError:
            return
        reason = refusal(host, address, self._relays.allowed_hosts)
        if reason:
            raise SlipstreamError(reason)

    # For the other workers

    def _connections_here(self) -> object:
        now = asyncio.get_running_loop().time()
        return [
            (relay.rule.id, asdict(ConnectionReport.of(relay, self._worker, now)))
            for relay in self._relays.running.values()
        ]

    def _look_here(self) -> bool:
        self._relays.look_soon()
        return True
