"""Publishers that replace one another, break off, come back, fall silent or stay away."""

from __future__ import annotations

from slipstream.media import Frame, Kind
from slipstream.rtmp import Code, Message
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.behaviour.visits import end_of, refusal
from tests.hub.stage import video_config
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer

OTHER_VIDEO_CONFIG = video_config(extra=b"\0")


def assert_time_goes_on(messages: list[Message]) -> None:
    times = [message.timestamp for message in messages if message.type_id != Kind.DATA]
    assert times == sorted(times)
    assert times[0] == 0


def take_as_sent(viewer: RtmpClient, frames: list[Frame]) -> list[Message]:
    """Take so many messages, which must be these frames."""
    came = viewer.take(len(frames))
    assert bodies(came) == bodies(frames)
    return came


def test_who_has_the_same_key_takes_over_at_its_first_keyframe(
    server: RunningServer, stream: str
) -> None:
    url = server.publish_url(stream)
    with (
        RtmpClient.playing(server.play_url(stream)) as viewer,
        RtmpClient.publishing(url) as old,
    ):
        old.send(*CONFIGS, *gop(0))
        before = take_as_sent(viewer, [*CONFIGS, *gop(0)])
        with RtmpClient.publishing(url, source="127.0.0.2") as new:
            new.send(*CONFIGS[:2], OTHER_VIDEO_CONFIG, *gop(0)[1:])
            old.send(*gop(GOP_MS))  # no keyframe has come from the new one: the old one goes on
            before += take_as_sent(viewer, gop(GOP_MS))

            new.send(*gop(10_000))
            after = take_as_sent(viewer, [*CONFIGS[:2], OTHER_VIDEO_CONFIG, *gop(10_000)])
            ended = end_of(old)
            old.drain()
    assert ended.code == Code.PUBLISH_BAD_NAME
    assert "took over" in ended.description
    assert_time_goes_on(before + after)


def test_who_has_no_key_to_show_takes_over_only_from_the_same_address(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--allow-anonymous-publish")
    url = server.play_url(stream)
    with (
        RtmpClient.playing(url) as viewer,
        RtmpClient.publishing(url, source="127.0.0.1") as old,
    ):
        old.send(*CONFIGS, *gop(0))
        take_as_sent(viewer, [*CONFIGS, *gop(0)])
        ended = refusal(url, source="127.0.0.2")
        assert ended.code == Code.PUBLISH_BAD_NAME
        assert "is being published" in ended.description
        old.send(*gop(GOP_MS))
        take_as_sent(viewer, gop(GOP_MS))
        with RtmpClient.publishing(url, source="127.0.0.1") as new:
            new.send(*CONFIGS, *gop(0))
            assert end_of(old).code == Code.PUBLISH_BAD_NAME


def test_a_publisher_returns_in_mid_gop_and_viewers_stay(
    server: RunningServer, stream: str
) -> None:
    with RtmpClient.playing(server.play_url(stream)) as viewer:
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            publisher.send(*CONFIGS, *gop(0))
            before = take_as_sent(viewer, [*CONFIGS, *gop(0)])
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            configs = (*CONFIGS[:2], OTHER_VIDEO_CONFIG)
            publisher.send(*configs, *gop(0)[3:], *gop(5_000))
            after = take_as_sent(viewer, [*configs, *gop(5_000)])
    assert_time_goes_on(before + after)


def test_a_publisher_that_is_reset_comes_back_just_the_same(
    server: RunningServer, stream: str
) -> None:
    with RtmpClient.playing(server.play_url(stream)) as viewer:
        for start_ms in (0, 90_000):
            publisher = RtmpClient.publishing(server.publish_url(stream))
            publisher.send(*CONFIGS, *gop(start_ms))
            take_as_sent(viewer, [*CONFIGS, *gop(start_ms)])
            publisher.reset()


def test_viewers_are_told_when_the_publisher_does_not_come_back(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings="[streams]\ngrace_s = 0.5")
    with RtmpClient.playing(server.play_url(stream)) as viewer:
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            publisher.send(*CONFIGS, *gop(0))
            take_as_sent(viewer, [*CONFIGS, *gop(0)])
        assert end_of(viewer).code in (Code.PLAY_STOP, Code.PLAY_UNPUBLISH_NOTIFY)
        assert not viewer.drain()
    assert server.stream(stream) is None


def test_a_silent_publisher_is_told_and_closed_and_its_name_is_free(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--allow-anonymous-publish", settings="[streams]\nidle_s = 0.5")
    url = server.play_url(stream)
    with RtmpClient.publishing(url, source="127.0.0.1") as publisher:
        publisher.send(*CONFIGS, *gop(0))
        ended = end_of(publisher)
        publisher.drain()
        assert ended.code == Code.PUBLISH_IDLE
        with RtmpClient.publishing(url, source="127.0.0.2"):
            pass


def test_a_publisher_that_never_sends_anything_is_closed_too(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings="[streams]\nidle_s = 0.5")
    with RtmpClient.publishing(server.publish_url(stream)) as publisher:
        assert end_of(publisher).code == Code.PUBLISH_IDLE


def test_who_unpublishes_is_told_and_may_publish_again(server: RunningServer, stream: str) -> None:
    for _ in range(2):
        with RtmpClient.publishing(server.publish_url(stream)) as publisher:
            publisher.send(*CONFIGS, *gop(0))
            publisher.leave()
