"""Short visits to a server, as tests of many themes need them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from slipstream.media import Frame
from slipstream.rtmp import Ended
from tests.behaviour.pictures import CONFIGS, bodies, gop
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until


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


class OnAir:
    """A publisher, and a player that sees that all has arrived."""

    def __init__(self, publisher: RtmpClient, witness: RtmpClient) -> None:
        self._publisher = publisher
        self._witness = witness

    def send(self, *frames: Frame) -> None:
        """Send frames; return when the server has handed them on, unchanged."""
        self._publisher.send(*frames)
        assert bodies(self._witness.take(len(frames))) == bodies(frames)


@contextmanager
def on_air(server: RunningServer, stream: str) -> Iterator[OnAir]:
    """Publish until the end of the block; a first GOP is out when it begins."""
    with (
        RtmpClient.playing(server.play_url(stream)) as witness,
        RtmpClient.publishing(server.publish_url(stream)) as publisher,
    ):
        station = OnAir(publisher, witness)
        station.send(*CONFIGS, *gop(0))
        yield station


def assert_serves(server: RunningServer, stream: str) -> None:
    """A normal publisher and a normal player are served, byte for byte."""
    sent = [*CONFIGS, *gop(0), *gop(200)]
    with RtmpClient.playing(server.play_url(stream)) as viewer:
        wait_until(lambda: (server.stream(stream) or {}).get("viewers"), "a viewer who waits")
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            publisher.send(*sent)
            assert bodies(viewer.take(len(sent))) == bodies(sent)
