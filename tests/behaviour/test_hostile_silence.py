"""Those who connect and never come to the point: closed at the deadline, whatever they send."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from tests.behaviour.bystanders import Bystanders
from tests.behaviour.visits import assert_serves
from tests.raw_client import RawClient
from tests.rtmp import wire
from tests.server import PATIENCE_S, RunningServer

PING_ANSWER = 7
SILENT = 50  # clients


def say_until_closed(client: RawClient, said: bytes, every_s: float) -> None:
    """Say it again and again, and hear nothing."""
    deadline = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline:
            client.say(said)
            time.sleep(every_s)
    except ConnectionError:
        return
    pytest.fail("the connection was never closed")


def test_a_handshake_that_dribbles(victim: RunningServer, others: Bystanders) -> None:
    with others.undisturbed(), RawClient(victim) as client:
        client.say(wire.HANDSHAKE[:1])
        say_until_closed(client, b"\0", every_s=0.02)


def test_clients_that_say_nothing(victim: RunningServer, others: Bystanders) -> None:
    with others.undisturbed(), ExitStack() as stack:
        clients = [stack.enter_context(RawClient(victim)) for _ in range(SILENT)]
        assert_serves(victim, "live/meanwhile")
        for client in clients:
            client.wait_until_closed()


def test_pings_and_no_connect(victim: RunningServer, others: Bystanders) -> None:
    with others.undisturbed(), RawClient(victim) as client:
        client.say(wire.HANDSHAKE)
        say_until_closed(client, wire.user_control(PING_ANSWER, 1), every_s=0.05)


def test_connect_and_no_more(victim: RunningServer, others: Bystanders) -> None:
    with others.undisturbed(), RawClient(victim).connect() as client:
        client.wait_until_closed()


def test_streams_created_and_never_used(victim: RunningServer, others: Bystanders) -> None:
    with others.undisturbed(), RawClient(victim).connect() as client:
        client.create_stream()
        say_until_closed(client, wire.command("_checkbw", 0, None), every_s=0.05)


def test_hundreds_that_connect_and_are_gone(victim: RunningServer, others: Bystanders) -> None:
    with others.undisturbed():
        with ExitStack() as stack:
            for _ in range(300):
                stack.enter_context(RawClient(victim))
        for _ in range(300):
            RawClient(victim).close()


def test_more_than_may_wait_are_served_in_the_end(
    victim: RunningServer, others: Bystanders
) -> None:
    with others.undisturbed(), ExitStack() as stack:
        for _ in range(600):  # 512 may wait
            stack.enter_context(RawClient(victim))
        assert_serves(victim, "live/behind-them")
