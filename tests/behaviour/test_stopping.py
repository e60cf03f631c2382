"""How the server starts anew, does not start, and ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from slipstream.media import Frame
from slipstream.rtmp import CapsEx, Code, EnhancedCapabilities, ReconnectRequested
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, bodies, gop
from tests.behaviour.visits import end_of, on_air
from tests.flv_client import FlvClient
from tests.raw_client import RawClient
from tests.rtmp_client import RtmpClient
from tests.server import PATIENCE_S, STOP_TIMEOUT_S, RunningServer, running_server

COULD_NOT_START = 1
SMALL = 4096
PATIENT = """
[server]
stop_s = 300
[streams]
latency_ceiling_ms = 60000
stall_s = 300
"""


def plenty() -> list[Frame]:
    """More than the kernel takes for somebody who does not read."""
    return [frame for start_ms in range(200, 4200, 200) for frame in gop(start_ms, filling=50_000)]


def is_ready(server: RunningServer) -> bool:
    """What a load balancer is told; one that is not answered stays away too."""
    url = f"http://{server.host}:{server.http_port}/health/ready"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_takes_leave_of_everybody_and_ends(
    open_server: OpenServer, stream: str, number: signal.Signals
) -> None:
    server = open_server()
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RtmpClient.playing(server.play_url(stream)) as player,
        RtmpClient.playing(server.play_url(f"{stream}-never")) as waiting,
        RawClient(server),  # says nothing
        FlvClient(server, f"/{stream}.flv") as viewer,
    ):
        publisher.send(*CONFIGS, *gop(0))
        player.take(len(CONFIGS))
        viewer.take(len(CONFIGS))
        assert is_ready(server)

        server.process.send_signal(number)
        assert end_of(player).code in (Code.PLAY_STOP, Code.PLAY_UNPUBLISH_NOTIFY)
        assert end_of(publisher).code == "NetConnection.Connect.AppShutdown"
        for client in (player, publisher, waiting):
            client.drain()
        viewer.drain()
        assert server.process.wait(STOP_TIMEOUT_S) == 0
    assert not is_ready(server)


def test_nobody_is_let_in_while_it_ends(open_server: OpenServer, stream: str) -> None:
    server = open_server()
    with on_air(server, stream), RtmpClient.playing(server.play_url(stream)) as stubborn:
        stubborn.take(len(CONFIGS))
        server.process.send_signal(signal.SIGTERM)
        end_of(stubborn)  # it does not hang up, so the server waits for it a little
        assert not is_ready(server)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((server.host, server.rtmp_port))
        assert server.process.wait(STOP_TIMEOUT_S) == 0


def test_viewers_get_everything_before_they_are_sent_away(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings=PATIENT)
    sent = [*CONFIGS, *gop(0), *plenty()]
    with (
        RtmpClient.playing(server.play_url(stream), receive_buffer=SMALL) as player,
        FlvClient(server, f"/{stream}.flv", receive_buffer=SMALL) as viewer,
        RtmpClient.playing(server.play_url(f"{stream}-never")) as waiting,
        on_air(server, stream) as station,
    ):
        station.send(*plenty())
        server.process.send_signal(signal.SIGTERM)
        assert end_of(waiting).code == Code.PLAY_FAILED
        assert server.process.poll() is None
        assert bodies(player.drain()) == bodies(sent)
        assert player.ended is not None
        assert [tag.body for tag in viewer.drain()] == bodies(sent)
        assert server.process.wait(STOP_TIMEOUT_S) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_viewer_that_reads_nothing_has_only_so_much_time(
    open_server: OpenServer, stream: str, workers: str
) -> None:
    server = open_server("--workers", workers, settings=PATIENT.replace("300", "1", 1))
    with (
        RtmpClient.playing(server.play_url(stream), receive_buffer=SMALL),
        FlvClient(server, f"/{stream}.flv", receive_buffer=SMALL),
        on_air(server, stream) as station,
    ):
        station.send(*plenty())
        assert server.terminate() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_told_twice_it_ends_at_once(open_server: OpenServer, stream: str, workers: str) -> None:
    server = open_server("--workers", workers, settings=PATIENT)
    with (
        RtmpClient.playing(server.play_url(stream), receive_buffer=SMALL),
        FlvClient(server, f"/{stream}.flv", receive_buffer=SMALL),
        on_air(server, stream) as station,
    ):
        station.send(*plenty())
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log("server.stopping")
        assert server.terminate() == 0  # the viewers would have had minutes


def test_a_publisher_that_knows_how_is_asked_to_connect_elsewhere_first(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server()
    knows_how = EnhancedCapabilities(caps_ex=CapsEx.RECONNECT)
    with (
        RtmpClient.playing(server.play_url(stream)) as player,
        RtmpClient.publishing(server.publish_url(stream), capabilities=knows_how) as publisher,
        RtmpClient.publishing(server.publish_url(f"{stream}-plain")) as plain,
    ):
        publisher.send(*CONFIGS, *gop(0))
        player.take(len(CONFIGS) + len(gop(0)))
        server.process.send_signal(signal.SIGTERM)
        publisher.wait_for(ReconnectRequested)
        publisher.send(*gop(200))  # it goes on until it is connected elsewhere
        assert bodies(player.take(len(gop(200)))) == bodies(gop(200))
        publisher.leave()
        player.drain()
        assert end_of(plain).code == "NetConnection.Connect.AppShutdown"
        assert not any(isinstance(event, ReconnectRequested) for event in plain.events)
        plain.drain()
        assert server.process.wait(STOP_TIMEOUT_S) == 0


def test_a_publisher_that_stays_although_it_was_asked_is_ended(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server()
    knows_how = EnhancedCapabilities(caps_ex=CapsEx.RECONNECT)
    with RtmpClient.publishing(server.publish_url(stream), capabilities=knows_how) as publisher:
        publisher.send(*CONFIGS, *gop(0))
        server.process.send_signal(signal.SIGTERM)
        publisher.wait_for(ReconnectRequested)
        assert end_of(publisher).code == "NetConnection.Connect.AppShutdown"
        publisher.drain()
        assert server.process.wait(STOP_TIMEOUT_S) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_its_process_stands_in_its_folder_while_it_serves(tmp_path: Path, workers: str) -> None:
    file = tmp_path / "slipstream.pid"
    with running_server(tmp_path, "--workers", workers) as server:
        assert file.read_text().split()[0] == str(server.process.pid)
        assert file.stat().st_mode & 0o777 == 0o600
    assert not file.exists()


def test_whoever_has_started_it_is_told_how_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with running_server(tmp_path / "server") as server:
            assert manager.recv(999) == b"READY=1\nMAINPID=%d" % server.process.pid
            server.process.send_signal(signal.SIGTERM)
            assert manager.recv(999).startswith(b"STOPPING=1\n")


def test_the_key_stays_the_same(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        key = server.key
    with running_server(tmp_path) as server:
        assert server.key == key
        with RtmpClient.publishing(f"{server.play_url('live/a')}?key={key}"):
            pass


def test_a_port_in_use_is_said_in_one_line(open_server: OpenServer, tmp_path: Path) -> None:
    server = open_server()
    taken = f"127.0.0.1:{server.rtmp_port}"
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "slipstream", "serve", "--data-dir", str(tmp_path)),
            *("--rtmp", taken, "--http", "127.0.0.1:0"),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert answer.returncode == COULD_NOT_START
    assert "another program has the port" in answer.stderr
    assert taken in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert not answer.stdout
