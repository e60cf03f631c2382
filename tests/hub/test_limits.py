"""How many viewers a stream may have while somebody publishes it who may have only so many."""

from __future__ import annotations

import pytest

from slipstream.hub import EndReason, FullError, Publication, Rank
from tests.hub.stage import HubStage, Watcher, key, video_config


def begin(stage: HubStage, **options: object) -> Publication:
    publication = stage.publish(**options)  # type: ignore[arg-type]
    stage.send(publication, video_config(), key(0))
    return publication


def test_the_least_of_the_settings_and_the_publishers_limit_holds() -> None:
    for setting, own, least in ((0, 2, 2), (1, 2, 1), (2, 1, 1), (2, 0, 2)):
        stage = HubStage(max_viewers=setting)
        begin(stage, max_viewers=own)
        for _ in range(least):
            stage.watch(Watcher())
        with pytest.raises(FullError, match=f"{least} viewers"):
            stage.watch(Watcher())


def test_whoever_is_served_when_a_limit_begins_stays_and_counts() -> None:
    stage = HubStage()
    first = begin(stage)
    watchers = [Watcher() for _ in range(3)]
    subscriptions = [stage.watch(watcher) for watcher in watchers]
    first.close(stage.now)
    begin(stage, max_viewers=2)
    assert [watcher.ended for watcher in watchers] == [None] * 3
    subscriptions.pop().close()
    with pytest.raises(FullError):
        stage.watch(Watcher())
    subscriptions.pop().close()
    stage.watch(Watcher())


def test_of_those_who_wait_as_many_are_served_as_there_may_be() -> None:
    stage = HubStage()
    watchers = [Watcher() for _ in range(4)]
    for watcher in watchers:
        stage.watch(watcher)
    begin(stage, max_viewers=2)
    assert [watcher.sync is not None for watcher in watchers] == [True, True, False, False]
    assert [watcher.ended for watcher in watchers] == [None, None, EndReason.FULL, EndReason.FULL]


def test_the_limit_goes_with_the_publisher() -> None:
    stage = HubStage(on_second_publisher="standby")
    limited = begin(stage, max_viewers=1)
    stage.watch(Watcher())
    other = stage.publish()
    with pytest.raises(FullError):  # who stands by has no say
        stage.watch(Watcher())
    limited.close(stage.now)
    stage.send(other, video_config(), key(0))
    stage.watch(Watcher())


def test_who_takes_over_brings_a_limit_and_a_slate_has_none() -> None:
    stage = HubStage()
    begin(stage, rank=Rank.SLATE)
    stage.watch(Watcher())
    begin(stage, max_viewers=2)
    second = stage.publish(max_viewers=1)
    stage.watch(Watcher())  # the second one has sent nothing yet
    stage.send(second, video_config(), key(0))
    with pytest.raises(FullError, match="1 viewers"):
        stage.watch(Watcher())
