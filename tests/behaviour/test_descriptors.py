"""Descriptors used up by connections: who is there is served, and the operator can see why."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import pytest

from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import GOP_MS, gop
from tests.behaviour.visits import assert_serves, on_air
from tests.server import wait_until

LIMIT = 160  # of one process: room for 96 connections
CROWD = 400  # more than two processes take
SETTINGS = "[net]\nhandshake_s = 60\nmax_pending = 100000\n"


@pytest.mark.parametrize("workers", [1, 2])
def test_those_who_are_there_and_the_api_go_on(
    open_server: OpenServer, stream: str, workers: int
) -> None:
    server = open_server("--workers", str(workers), settings=SETTINGS, descriptors=LIMIT)
    with on_air(server, stream) as station, ExitStack() as stack:
        for _ in range(CROWD):
            idle = stack.enter_context(socket.socket())
            idle.setblocking(False)
            idle.connect_ex((server.host, server.rtmp_port))
        figures = server.api("server")
        wait_until(
            lambda: server.api("server")["connections_open"] >= figures["connections_max"],
            "that all places are taken",
        )
        station.send(*gop(GOP_MS))
        began, cpu_s = time.monotonic(), server.cpu_s()
        time.sleep(1)
        share = (server.cpu_s() - cpu_s) / (time.monotonic() - began)
        assert share < 0.5, "it spins"
        station.send(*gop(2 * GOP_MS))
        stack.close()
        assert_serves(server, f"{stream}-next")
