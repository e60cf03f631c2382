"""How the server ends."""

from __future__ import annotations

import signal

import pytest

from slipstream.rtmp import Ended
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, gop
from tests.behaviour.test_http_flv import FlvViewer
from tests.raw_client import RawClient
from tests.rtmp_client import RtmpClient
from tests.server import STOP_TIMEOUT_S


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_takes_leave_of_everybody_and_ends_within_seconds(
    open_server: OpenServer, stream: str, number: signal.Signals
) -> None:
    server = open_server()
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RtmpClient.playing(server.play_url(stream)) as player,
        RawClient(server),  # says nothing
        RtmpClient.playing(server.play_url(f"{stream}-never")) as waiting,
    ):
        publisher.send(*CONFIGS, *gop(0))
        player.take(len(CONFIGS))
        with FlvViewer(server, stream) as viewer:
            viewer.take(len(CONFIGS))
            server.process.send_signal(number)
            assert player.wait_for(Ended)
            assert publisher.wait_for(Ended)
            for client in (player, publisher, waiting):
                client.drain()
            viewer.rest()
        assert server.process.wait(STOP_TIMEOUT_S) == 0


def test_it_ends_although_a_viewer_reads_nothing(open_server: OpenServer, stream: str) -> None:
    server = open_server()
    with (
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
        RtmpClient.playing(server.play_url(stream), receive_buffer=4096) as player,
    ):
        for number in range(10):
            publisher.send(*CONFIGS, *gop(200 * number, filling=50_000))
        player.wait_for_start()
        assert server.terminate() == 0
