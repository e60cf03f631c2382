"""Short visits to a server, as tests of many themes need them."""

from __future__ import annotations

from slipstream.rtmp import Ended
from tests.behaviour.pictures import CONFIGS, bodies, gop
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer


def refusal(url: str, **options: str) -> Ended:
    """What somebody is told who must not publish; the connection is closed then."""
    with RtmpClient.asking_to_publish(url, **options) as client:
        ended = end_of(client)
        client.drain()
    return ended


def end_of(client: RtmpClient) -> Ended:
    """What the server says at the end, once it does."""
    ended = client.wait_for(Ended)
    assert isinstance(ended, Ended)
    return ended


def assert_serves(server: RunningServer, stream: str) -> None:
    """A normal publisher and a normal player are served, byte for byte."""
    sent = [*CONFIGS, *gop(0), *gop(200)]
    with (
        RtmpClient.playing(server.play_url(stream)) as viewer,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        publisher.send(*sent)
        assert bodies(viewer.take(len(sent))) == bodies(sent)
