"""Streams go on when their application's settings are others."""

from __future__ import annotations

import pytest

from slipstream.hub import BusyError, FullError, StreamSettings
from tests.hub.stage import HubStage, Watcher, key, video_config


def test_a_limit_that_is_set_later_counts_who_is_there_and_sends_nobody_away() -> None:
    stage = HubStage()
    publication = stage.publish()
    stage.send(publication, video_config(), key(0))
    watchers = [Watcher() for _ in range(3)]
    subscriptions = [stage.watch(watcher) for watcher in watchers]
    for limit in (0, 2, 0, 2):
        stage.settings = StreamSettings(max_viewers=limit)
        stage.hub.reconfigure()
    assert [watcher.ended for watcher in watchers] == [None] * 3
    subscriptions.pop().close()
    with pytest.raises(FullError, match="2 viewers"):
        stage.watch(Watcher())
    subscriptions.pop().close()
    stage.watch(Watcher())
    with pytest.raises(FullError, match="2 viewers"):
        stage.watch(Watcher())


def test_a_living_stream_goes_on_with_new_times() -> None:
    stage = HubStage(grace_s=60, on_second_publisher="reject")
    publication, watcher = stage.publish(), Watcher()
    stage.watch(watcher)
    stage.send(publication, video_config(), key(0))
    stage.settings = StreamSettings(grace_s=5)
    stage.hub.reconfigure()
    with pytest.raises(BusyError):  # what was settled for this stream holds
        stage.publish()
    publication.close(stage.now)
    stage.wait(4)
    assert watcher.ended is None
    stage.wait(2)
    assert watcher.ended is not None
