"""What one generation of workers is started with, and what of it is left to the next."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from slipstream.access import Keys
from slipstream.app import WorkerStart
from slipstream.app.entrances import Sockets
from slipstream.control.configuration.config import Config
from slipstream.control.configuration.live import LiveConfig
from slipstream.control.metrics.ledger import Ledger
from slipstream.errors import SlipstreamError
from slipstream.net.listener import open_listening_socket
from slipstream.workers.inheritance import Inheritance
from slipstream.workers.membership import Badge
from slipstream.workers.rendezvous import Office, Rendezvous

log = structlog.get_logger()

LEDGER_ROWS = 4  # for each worker: those of earlier generations may drain for long


@dataclass(frozen=True, slots=True)
class Plan:
    """What a generation of workers lives by.

    Attributes:
        live: the configuration in force; the rest does not change.
        arguments: of the command line, behind `serve`.
        rtmp: listening sockets, each with the address it was opened for.
        http: the same for HTTP.
        rtmps: the same for RTMPS; none without certificates.
        https: the same for HTTPS.
        generation: from 1.
    """

    live: LiveConfig
    keys: Keys
    arguments: Sequence[str]
    rtmp: Mapping[socket.socket, str]
    http: Mapping[socket.socket, str]
    rtmps: Mapping[socket.socket, str]
    https: Mapping[socket.socket, str]
    rendezvous: Rendezvous
    ledger: Ledger
    generation: int

    @property
    def config(self) -> Config:
        """In force now."""
        return self.live.config

    @property
    def size(self) -> int:
        """How many workers there are to be."""
        return self.config.server.worker_count

    def start(self, number: int, slot: int, workers: Mapping[str, list[int]]) -> WorkerStart:
        """What a new worker needs; called in its own process."""
        return WorkerStart(
            config=self.config,
            keys=self.keys,
            ledger=self.ledger,
            sockets=Sockets(list(self.rtmp), list(self.http), list(self.rtmps), list(self.https)),
            badge=Badge(number, slot, self.generation, os.getpid()),
            inheritance=self.leave(self.generation, number + 1, workers),
            rendezvous=self.rendezvous,
        )

    def leave(
        self, generation: int, next_number: int, workers: Mapping[str, list[int]]
    ) -> Inheritance:
        """What a supervisor after this one needs.

        Args:
            generation: of the workers that it is to start.
            next_number: of the first of them.
            workers: those there are, as in `Census`.
        """
        return Inheritance(
            arguments=list(self.arguments),
            config=self.config.to_json(),
            rtmp=_by_descriptor(self.rtmp),
            http=_by_descriptor(self.http),
            rtmps=_by_descriptor(self.rtmps),
            https=_by_descriptor(self.https),
            rendezvous=self.rendezvous.descriptors,
            ledger=(self.ledger.fd, self.ledger.slots),
            generation=generation,
            next_number=next_number,
            workers=dict(workers),
        )

    def close_listeners(self) -> None:
        """Accept nobody any more."""
        for sock in (*self.rtmp, *self.http, *self.rtmps, *self.https):
            sock.close()


def first_plan(config: Config, keys: Keys, arguments: Sequence[str]) -> Plan:
    """The plan of a server that starts.

    Raises:
        SlipstreamError: an address cannot be used.
    """
    server, encrypted = config.server, config.encrypted()
    rtmp = open_listening_socket(server.rtmp)
    http = open_listening_socket(server.http)
    rtmps, https = (
        {open_listening_socket(place): place} if place else {}
        for place in (encrypted.rtmps, encrypted.https)
    )
    rendezvous = Rendezvous.open()
    rendezvous.take(Office.SUPERVISOR)
    return Plan(
        live=LiveConfig(config),
        keys=keys,
        arguments=arguments,
        rtmp={rtmp: server.rtmp},
        http={http: server.http},
        rtmps=rtmps,
        https=https,
        rendezvous=rendezvous,
        ledger=Ledger(LEDGER_ROWS * server.worker_count),
        generation=1,
    )


def next_plan(
    config: Config, keys: Keys, arguments: Sequence[str], inheritance: Inheritance
) -> Plan | None:
    """The plan of a supervisor that comes after another one; None: there is one already."""
    fd, rows = inheritance.ledger
    for inherited in inheritance.descriptors:
        os.set_inheritable(inherited, False)
    rendezvous = Rendezvous.inherit(*inheritance.rendezvous)
    if not rendezvous.take(Office.SUPERVISOR):
        return None
    return Plan(
        live=LiveConfig(config),
        keys=keys,
        arguments=arguments,
        rtmp=_listeners(config.server.rtmp, inheritance.rtmp),
        http=_listeners(config.server.http, inheritance.http),
        rtmps=_listeners(config.encrypted().rtmps, inheritance.rtmps),
        https=_listeners(config.encrypted().https, inheritance.https),
        rendezvous=rendezvous,
        ledger=Ledger(max(rows, LEDGER_ROWS * config.server.worker_count), fd),
        generation=inheritance.generation,
    )


def _listeners(address: str, inherited: Mapping[int, str]) -> dict[socket.socket, str]:
    """The listening socket for an address; if it cannot be opened, those there were.

    No address, no socket.
    """
    socks: dict[socket.socket, str] = {}
    for fd, place in inherited.items():
        sock = socket.socket(fileno=fd)
        sock.setblocking(False)
        socks[sock] = place
    if address in socks.values():
        wanted = {sock: place for sock, place in socks.items() if place == address}
    elif not address:
        wanted = {}
    else:
        try:
            wanted = {open_listening_socket(address): address}
        except SlipstreamError as error:
            log.warning("server.address_kept", address=list(socks.values()), reason=str(error))
            return socks
    for sock in socks:
        if sock not in wanted:
            sock.close()  # workers of before still have it, until they have drained
    return wanted


def _by_descriptor(socks: Mapping[socket.socket, str]) -> dict[int, str]:
    return {sock.fileno(): address for sock, address in socks.items()}
