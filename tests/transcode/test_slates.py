"""Slates of a worker: who gets one, in which shape, and that nothing is left of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from slipstream.formats import RtmpFormat
from slipstream.hub import EndReason, Hub, Publication, StreamSettings
from slipstream.media import Codec, Frame, Kind, describe, parse_tag
from slipstream.transcode.settings import SlateSettings
from slipstream.transcode.slates import Slates
from tests.clips import film_file, read_tags
from tests.hub.stage import Publisher, Recording, Watcher
from tests.transcode.test_reels import children, until


class Stage:
    """A hub with slates. `films` are what encoders send."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.get_running_loop()
        self.folder = folder
        self.settings = SlateSettings(source="card", after_s=0.6)
        self.hub = Hub(lambda name: StreamSettings(grace_s=0.5), lambda log, picture: None)
        self.slates = Slates(self.hub, lambda name: self.settings, self.loop, lambda kind: kind)
        self.slates.start()

    @property
    def now(self) -> float:
        return self.loop.time()

    def publish(self, film: str = "h264-aac", name: str = "live/a") -> Publication:
        frames = [parse_tag(*tag) for tag in read_tags(film_file(self.folder, film))]
        publication = self.hub.publish(name, Publisher(), credential="k", now=self.now)
        publication.receive(frames, self.now)
        return publication

    def watch(self, name: str = "live/a") -> list[Frame]:
        subscription = self.hub.subscribe(name, Recording, Watcher(), now=self.now)
        assert isinstance(subscription.form, Recording)
        return subscription.form.frames

    def on_slate(self, name: str = "live/a") -> bool:
        return name in self.hub.streams and self.hub.streams[name].on_slate


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    await stage.slates.stop()
    await until(lambda: not children())


async def ticks(stage: Stage, count: int) -> None:
    """Look at the streams so many times, as time goes by."""
    for _ in range(count):
        stage.slates.tick(stage.now)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("film", "codecs"),
    [
        ("h264-aac", {Codec.H264, Codec.AAC}),
        ("h265-aac", {Codec.H265, Codec.AAC}),
        ("av1-opus", {Codec.AV1, Codec.OPUS}),
        ("h264-mp3", {Codec.H264, Codec.MP3}),
        ("video-only", {Codec.H264}),
        ("audio-only", {Codec.AAC}),
    ],
)
async def test_viewers_get_a_slate_like_their_stream(
    stage: Stage, film: str, codecs: set[Codec]
) -> None:
    frames = stage.watch()
    encoder = stage.publish(film)
    before = len(frames)
    encoder.close(stage.now)
    gone_at = stage.now
    await until(stage.on_slate)
    assert stage.now - gone_at >= stage.settings.after_s - 0.05
    await until(lambda: len(frames) > before + 60)
    media = [frame for frame in frames[before:] if frame.kind is not Kind.DATA]
    assert {frame.codec for frame in media} == codecs
    pictures = [frame for frame in media if frame.kind is Kind.VIDEO]
    if pictures:
        info = describe(*(frame for frame in pictures if frame.config))
        assert (info.width, info.height) == (128, 96) or info.codec is Codec.VP9
        assert next(frame for frame in pictures if not frame.config).keyframe
    for kind in (Kind.VIDEO, Kind.AUDIO):
        times = [frame.dts_ms for frame in frames if frame.kind is kind]
        assert times == sorted(times)


async def test_the_reel_is_made_while_nobody_needs_it_yet(stage: Stage) -> None:
    stage.settings = SlateSettings(source="card", after_s=3600)
    stage.watch()
    encoder = stage.publish()
    encoder.close(stage.now)
    await until(children)
    await until(lambda: not children())
    assert not stage.on_slate()


@pytest.mark.parametrize("source", ["", "card"])
async def test_there_is_none_where_it_is_not_wanted_or_not_seen(stage: Stage, source: str) -> None:
    stage.settings = SlateSettings(source=source, after_s=0)
    encoder = stage.publish()
    if not source:
        stage.watch()
    encoder.close(stage.now)
    await ticks(stage, 20)
    assert not children()
    assert not stage.on_slate()


async def test_there_is_none_for_a_stream_that_nobody_has_published(stage: Stage) -> None:
    stage.watch()
    await ticks(stage, 20)
    assert not children()


async def test_streams_alike_share_a_reel(stage: Stage) -> None:
    names = [f"live/{number}" for number in range(5)]
    most = 0
    for name in names:
        stage.watch(name)
        stage.publish(name=name).close(stage.now)
    while not all(map(stage.on_slate, names)):
        most = max(most, len(children()))
        await asyncio.sleep(0.01)
    assert most == 1


async def test_the_next_one_is_there_at_once(stage: Stage) -> None:
    stage.settings = SlateSettings(source="card", after_s=0)
    stage.watch()
    stage.publish().close(stage.now)
    await until(stage.on_slate)
    await until(lambda: not children())
    stage.publish().close(stage.now)  # a blink
    assert not stage.on_slate()
    await until(stage.on_slate)
    assert not children()


async def test_an_encoder_that_is_back_in_time_is_left_alone(stage: Stage) -> None:
    stage.watch()
    stage.publish().close(stage.now)
    await until(children)
    encoder = stage.publish()
    await until(lambda: not children())
    await asyncio.sleep(stage.settings.after_s)
    assert stage.hub.streams["live/a"].on_air is encoder


async def test_who_ends_it_by_hand_does_not_get_it_again_until_the_encoder_was_back(
    stage: Stage,
) -> None:
    stage.settings = SlateSettings(source="card", after_s=0)
    stage.watch()
    stage.publish().close(stage.now)
    await until(stage.on_slate)
    publication = stage.hub.streams["live/a"].on_air
    assert publication is not None
    publication.end(EndReason.KICKED, stage.now)
    stage.slates.tick(stage.now + 3600)
    await ticks(stage, 20)
    assert not stage.on_slate()
    encoder = stage.publish()
    stage.slates.tick(stage.now)
    encoder.close(stage.now)
    await until(stage.on_slate)


async def test_it_ends_when_nobody_is_left_and_its_stream_is_let_go(stage: Stage) -> None:
    watcher = Watcher()
    subscription = stage.hub.subscribe("live/a", RtmpFormat, watcher, now=stage.now)
    stage.publish().close(stage.now)
    await until(stage.on_slate)
    subscription.close()

    def let_go() -> bool:
        stage.hub.tick(stage.now)
        return not stage.hub.streams

    await until(let_go)


async def test_a_file_that_cannot_be_read_leaves_the_stream_as_it_was(stage: Stage) -> None:
    stage.settings = SlateSettings.model_construct(source="/none.mp4", after_s=0, text="")
    watcher = Watcher()
    stage.hub.subscribe("live/a", RtmpFormat, watcher, now=stage.now)
    stage.publish().close(stage.now)

    def ended() -> bool:
        stage.hub.tick(stage.now)
        return watcher.ended is EndReason.UNPUBLISHED

    await until(ended)


async def test_what_only_the_log_knows_of_the_encoder_is_enough(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As with a stream that was published to another process: what it began with is in the log.
    stage.watch()
    stage.publish("av1-opus").close(stage.now)
    stream = stage.hub.streams["live/a"]
    monkeypatch.setattr(stream, "_last_configs", ())
    assert not stream.last_configs
    await until(stage.on_slate)
    assert {frame.codec for frame in stream.greeting} >= {Codec.AV1, Codec.OPUS}


async def test_at_the_end_all_slates_and_children_go(stage: Stage) -> None:
    stage.watch()
    stage.publish().close(stage.now)
    await until(stage.on_slate)
    stage.watch("live/b")
    stage.publish("h265-aac", "live/b").close(stage.now)
    await until(children)
    await stage.slates.stop()
    assert not stage.on_slate()
    await until(lambda: not children())
    await asyncio.sleep(0.3)
    assert not children()
