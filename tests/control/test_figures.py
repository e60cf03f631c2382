"""The sums over streams, publishers and viewers."""

from __future__ import annotations

from slipstream.control.metrics.figures import Figures, StreamState, state_of
from slipstream.formats import FlvFormat
from tests.hub.stage import HubStage, Publisher, Watcher, key


async def test_nothing_is_counted_as_zero_of_each_state() -> None:
    figures = await Figures.of(HubStage().hub)
    assert figures.streams == {"live": 0, "slate": 0, "starting": 0}
    assert not figures.waiting_streams
    assert not figures.publishers
    assert not figures.viewers


def test_a_stream_waits_starts_and_is_live() -> None:
    stage = HubStage()
    stage.watch(Watcher())
    stream = stage.hub.streams["live/a"]
    assert state_of(stream) is StreamState.WAITING
    publication = stage.publish()
    assert state_of(stream) is StreamState.STARTING
    stage.send(publication, key(0))
    assert state_of(stream) is StreamState.LIVE
    publication.close(stage.now)
    assert state_of(stream) is StreamState.WAITING


async def test_everybody_is_counted_by_protocol() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.publish(Publisher(protocol="srt"), name="live/b")
    stage.send(publication, key(0))
    stage.watch(Watcher())
    stage.watch(Watcher(protocol="http-flv"), FlvFormat)
    stage.watch(Watcher(protocol="http-flv"), FlvFormat, name="live/b")
    figures = await Figures.of(stage.hub)
    assert figures.publishers == {"rtmp": 1, "srt": 1}
    assert figures.viewers == {"rtmp": 1, "http-flv": 2}
    assert figures.waiting_viewers == 1
    assert figures.log_bytes > 0


async def test_a_takeover_counts_both_publishers_until_it_is_done() -> None:
    stage = HubStage()
    first = stage.publish()
    stage.send(first, key(0))
    second = stage.publish()
    assert (await Figures.of(stage.hub)).publishers == {"rtmp": 2}
    stage.send(second, key(0))
    assert (await Figures.of(stage.hub)).publishers == {"rtmp": 1}
