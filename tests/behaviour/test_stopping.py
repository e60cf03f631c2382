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

from slipstream.rtmp import Code
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, gop
from tests.behaviour.visits import end_of, on_air
from tests.flv_client import FlvClient
from tests.raw_client import RawClient
from tests.rtmp_client import RtmpClient
from tests.server import PATIENCE_S, STOP_TIMEOUT_S, RunningServer, running_server

COULD_NOT_START = 1


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
        server.process.send_signal(signal.SIGTERM)
        end_of(stubborn)  # it does not hang up, so the server waits for it a little
        assert not is_ready(server)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((server.host, server.rtmp_port))
        assert server.process.wait(STOP_TIMEOUT_S) == 0


def test_it_ends_although_a_viewer_reads_nothing(open_server: OpenServer, stream: str) -> None:
    server = open_server()
    with (
        RtmpClient.playing(server.play_url(stream), receive_buffer=4096),
        on_air(server, stream) as station,
    ):
        for start_ms in range(200, 2200, 200):
            station.send(*gop(start_ms, filling=50_000))
        assert server.terminate() == 0


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
