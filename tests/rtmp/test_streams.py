"""Message streams: which id is given, and which is meant."""

from __future__ import annotations

import pytest

from slipstream.rtmp.legality import STREAM_STEPS, Effect, StreamInput, Use
from slipstream.rtmp.streams import MessageStream, MessageStreams, advance


def created(streams: MessageStreams) -> MessageStream:
    stream = streams.create()
    assert stream is not None
    return stream


@pytest.mark.parametrize("limit", [1, 8])
def test_as_many_as_the_limit(limit: int) -> None:
    streams = MessageStreams(limit)
    assert [created(streams).id for _ in range(limit)] == list(range(1, limit + 1))
    assert streams.create() is None
    assert streams.create() is None


def test_the_lowest_free_id_is_given_again() -> None:
    streams = MessageStreams(8)
    first, second = created(streams), created(streams)
    streams.remove(first)
    assert created(streams).id == 1
    streams.remove(second)
    assert created(streams).id == 2


def test_zero_means_the_only_one() -> None:
    streams = MessageStreams(8)
    assert streams.find(0) is None
    only = created(streams)
    assert streams.find(0) is only
    assert streams.find(1) is only
    assert streams.find(2) is None
    created(streams)
    assert streams.find(0) is None


def test_counted_and_found_by_what_they_do() -> None:
    streams = MessageStreams(8)
    publisher, player, other = created(streams), created(streams), created(streams)
    publisher.name, publisher.use = "key", Use.PUBLISH_ASKED
    player.name, player.use = "key", Use.PLAYING
    other.name, other.use = "other", Use.PLAY_ASKED
    assert streams.publishing("key") == [publisher]
    assert streams.publishing("other") == []
    assert streams.playing() == 2
    assert streams.playing(besides=player) == 1


@pytest.mark.parametrize("request_", StreamInput)
def test_steps_are_those_of_the_table(request_: StreamInput) -> None:
    assert advance(None, request_) is STREAM_STEPS[Use.NONE, request_].effect
    stream = MessageStream(1)
    stream.use = Use.PUBLISHING
    effect = advance(stream, request_)
    assert (effect, stream.use) == STREAM_STEPS[Use.PUBLISHING, request_]
    assert isinstance(effect, Effect)
