"""A server is replaced by its new version, or by itself with new settings, while it is used."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest

from slipstream.rtmp import CapsEx, EnhancedCapabilities, ReconnectRequested
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.behaviour.visits import on_air
from tests.flv_client import FlvClient
from tests.rtmp_client import RtmpClient
from tests.server import PATIENCE_S, RunningServer, wait_until

REPLACEMENT_S = 60.0  # at most, beside those who keep both cores busy
SETTINGS = "[streams]\ngrace_s = 60\nwait_s = 60\nidle_s = 60\n"


@pytest.fixture
def crew(open_server: OpenServer) -> RunningServer:
    return open_server("--workers", "2", settings=SETTINGS)


def replace(server: RunningServer) -> set[int]:
    """Have the server replaced, and wait until it is; the numbers of the new workers."""
    before = len(re.findall(r"server\.replaced", server.log()))
    old = set(server.worker_pids())
    os.kill(server.supervisor_pid(), signal.SIGUSR2)
    wait_until(
        lambda: len(re.findall(r"server\.replaced", server.log())) > before,
        "the replacement",
        REPLACEMENT_S,
    )
    return newest(server) - old


def newest(server: RunningServer) -> set[int]:
    """The workers that accept connections."""
    return {worker["number"] for worker in server.api("server")["workers"] if worker["ready"]}


def started_in(server: RunningServer, stream: str) -> list[int]:
    """The workers in which its viewers were started, one after the other."""
    found = re.findall(rf"play\.start worker=(\d+) .*stream={stream} ", server.log())
    return [int(number) for number in found]


def settings_file(server: RunningServer) -> Path:
    return Path(f"/proc/{server.supervisor_pid()}/cwd/slipstream.toml")


def test_nobody_is_disconnected_and_the_old_ones_go_when_all_have_left(
    crew: RunningServer, stream: str
) -> None:
    process, old = crew.supervisor_pid(), set(crew.worker_pids())
    with ExitStack() as stack:
        players = [stack.enter_context(RtmpClient.playing(crew.play_url(stream))) for _ in range(6)]
        viewer = stack.enter_context(FlvClient(crew, f"/{stream}.flv"))
        publisher = stack.enter_context(RtmpClient.publishing(crew.publish_url(stream)))

        def show(start_ms: int, *firsts: object) -> None:
            sent = [*firsts, *gop(start_ms)]
            publisher.send(*sent)
            for player in players:
                assert bodies(player.take(len(sent))) == bodies(sent)
            assert [tag.body for tag in viewer.take(len(sent))] == bodies(sent)

        show(0, *CONFIGS)
        new = replace(crew)
        assert len(new) == 2
        assert crew.supervisor_pid() == process
        show(GOP_MS)
        assert crew.stream(stream)["worker"] in old
        for _ in range(4):  # newcomers watch the old publisher, from the new workers
            newcomer = stack.enter_context(RtmpClient.playing(crew.play_url(stream)))
            assert len(newcomer.take(len(CONFIGS))) == len(CONFIGS)
        wait_until(lambda: len(started_in(crew, stream)) == 7 + 4, "word of all")
        assert set(started_in(crew, stream)[7:]) <= new
        publisher.leave()
        publisher = stack.enter_context(RtmpClient.publishing(crew.publish_url(stream)))
        show(2 * GOP_MS, *CONFIGS)  # back, in a new worker, and the viewers of the old ones go on
        assert crew.stream(stream)["worker"] in new
    wait_until(lambda: set(crew.worker_pids()) == new, "the old workers' end")
    for number in old:
        assert re.search(rf"worker\.end number={number} pid=\d+ code=0 ", crew.log())


@contextmanager
def knocking(server: RunningServer) -> Iterator[list[str]]:
    """Connect and shake hands, again and again, until the end of the block; what went wrong."""
    failures: list[str] = []
    over = threading.Event()

    def knock() -> None:
        while not over.is_set():
            try:
                with socket.create_connection((server.host, server.rtmp_port), PATIENCE_S) as sock:
                    sock.sendall(b"\x03" + bytes(1536))
                    if not sock.recv(1):
                        failures.append("closed without a word")
            except OSError as error:
                failures.append(str(error))

    threads = [threading.Thread(target=knock) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_no_connection_is_refused_or_lost_meanwhile(crew: RunningServer) -> None:
    with knocking(crew) as failures:
        old = set(crew.worker_pids())
        replace(crew)
        wait_until(lambda: not old & set(crew.worker_pids()), "the old workers' end")
        replace(crew)
    assert not failures


def test_streams_are_published_and_watched_all_the_while(crew: RunningServer, stream: str) -> None:
    """Publishers that come to one worker and belong to another are moved, now as ever."""
    over = threading.Event()
    done: list[int] = []
    failures: list[BaseException] = []

    def use(number: int) -> None:
        try:
            for turn in count():
                if over.is_set():
                    return
                with on_air(crew, f"{stream}-{number}-{turn}") as station:
                    station.send(*gop(GOP_MS))
                done.append(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        replace(crew)
        replace(crew)
        enough = len(done) + 6
        wait_until(lambda: len(done) >= enough or failures, "streams in the new workers")
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failures


def test_a_publisher_that_knows_how_is_asked_to_connect_again(
    crew: RunningServer, stream: str
) -> None:
    knows_how = EnhancedCapabilities(caps_ex=CapsEx.RECONNECT)
    with (
        RtmpClient.playing(crew.play_url(stream)) as player,
        RtmpClient.publishing(crew.publish_url(stream), capabilities=knows_how) as publisher,
    ):
        publisher.send(*CONFIGS, *gop(0))
        player.take(len(CONFIGS) + len(gop(0)))
        new = replace(crew)
        publisher.wait_for(ReconnectRequested)
        publisher.send(*gop(GOP_MS))
        player.take(len(gop(GOP_MS)))
        with RtmpClient.publishing(crew.publish_url(stream)) as again:
            again.send(*CONFIGS, *gop(2 * GOP_MS))
            player.take(len(CONFIGS) + len(gop(0)))
            assert crew.stream(stream)["worker"] in new


def test_whoever_stays_too_long_is_sent_away(open_server: OpenServer, stream: str) -> None:
    server = open_server("--workers", "2", settings="[server]\ndrain_s = 1\nstop_s = 1\n")
    with on_air(server, stream), RtmpClient.playing(server.play_url(stream)) as player:
        old = set(server.worker_pids())
        replace(server)
        player.drain()
        wait_until(lambda: not old & set(server.worker_pids()), "the old workers' end")


def test_the_new_one_has_the_new_settings(crew: RunningServer) -> None:
    settings_file(crew).write_text(SETTINGS + "[server]\nopen_metrics = true\n")
    old = crew.http_port
    new = replace(crew)
    assert len(new) == 2
    wait_until(lambda: set(crew.worker_pids()) == new, "the old workers' end")
    with socket.create_connection((crew.host, old), PATIENCE_S) as sock:
        sock.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert sock.recv(15) == b"HTTP/1.0 200 OK"


def test_a_mistake_in_the_new_settings_changes_nothing(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--workers", "2", settings=SETTINGS, errors=r"server\.not_replaced")
    workers = server.worker_pids()
    with on_air(server, stream) as station:
        settings_file(server).write_text("[streams]\ngrace = 1\n")
        os.kill(server.supervisor_pid(), signal.SIGUSR2)
        server.wait_for_log(r"server\.not_replaced .*streams\.grace: unknown key")
        station.send(*gop(GOP_MS))
        assert server.worker_pids() == workers


def test_one_process_cannot_be_replaced_and_serves_on(open_server: OpenServer, stream: str) -> None:
    server = open_server("--workers", "1", settings=SETTINGS)
    with on_air(server, stream) as station:
        server.process.send_signal(signal.SIGUSR2)
        server.wait_for_log(r"server\.not_replaced .*two workers")
        station.send(*gop(GOP_MS))


def test_the_command_replaces_the_server_of_a_folder(crew: RunningServer) -> None:
    old = set(crew.worker_pids())
    folder = settings_file(crew).resolve().parent
    told = subprocess.run(
        [sys.executable, "-m", "slipstream", "replace", "--data-dir", str(folder)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert str(crew.supervisor_pid()) in told.stdout
    crew.wait_for_log(r"server\.replaced generation=2")
    wait_until(lambda: not old & set(crew.worker_pids()), "the old workers' end")


def test_what_has_taken_over_is_replaced_as_well(crew: RunningServer, stream: str) -> None:
    with on_air(crew, stream) as station:
        replace(crew)
        killed = crew.supervisor_pid()
        crew.kill_supervisor()
        station.send(*gop(GOP_MS))
        wait_until(lambda: crew.supervisor_pid() != killed, "a new supervisor")
        new = replace(crew)
        station.send(*gop(2 * GOP_MS))
        assert len(new) == 2
