"""What anybody may know of the streams, out of what the API tells those with the token."""

from __future__ import annotations

from dataclasses import asdict

from slipstream.control.alerts.alarm import Alarm
from slipstream.control.metrics.counters import Counters
from slipstream.control.metrics.vitals import Vitals
from slipstream.control.reports.listed import ListedStreams
from slipstream.control.reports.overview import Overview
from slipstream.formats import FlvFormat
from tests.control.stage import Stage, Viewer, serving_workers
from tests.hub.stage import Publisher, audio_config, inter, key, video_config


def listed(stage: Stage) -> ListedStreams:
    counters = Counters(stage.parts)
    alarm = Alarm(stage.hub, stage.config.alert_settings)
    overview = Overview(stage.parts, counters, Vitals(stage.parts, counters), alarm)
    return ListedStreams(overview, stage.hub)


def publish(stage: Stage, name: str) -> None:
    publication = stage.directory.publish(name, Publisher(), credential="secret", now=stage.now)
    publication.receive([audio_config(), video_config(), key(0), inter(500)], stage.now)


async def test_streams_of_all_workers_are_told_with_all_their_viewers() -> None:
    async with serving_workers(2) as (first, second):
        publish(first, "live/a")
        publish(second, "live/b")
        for stage in (first, second):
            stage.hub.subscribe("live/a", FlvFormat, Viewer(), now=stage.now)
        for stage in (first, second):
            told = {stream.name: stream for stream in await listed(stage).all()}
            assert [told[name].viewers for name in ("live/a", "live/b")] == [2, 0]
            one = await listed(stage).one("live/b")
            assert (one.name, one.state) == ("live/b", "live")
            assert [(track.kind, track.codec) for track in one.tracks] == [
                ("audio", "mp4a"),
                ("video", "avc1"),
            ]


async def test_nothing_of_who_publishes_and_who_watches_is_told() -> None:
    async with serving_workers(1) as (stage,):
        publish(stage, "live/a")
        viewer = Viewer()
        stage.hub.subscribe("live/a", FlvFormat, viewer, now=stage.now)
        (stream,) = await listed(stage).all()
        told = str(asdict(stream))
        for secret in ("secret", Publisher().address, viewer.address, viewer.connection_id):
            assert secret
            assert secret not in told


async def test_a_stream_that_somebody_waits_for_is_off_like_one_that_is_not_there() -> None:
    async with serving_workers(1) as (stage,):
        stage.hub.subscribe("live/a", FlvFormat, Viewer(), now=stage.now)
        waited_for, none = await listed(stage).one("live/a"), await listed(stage).one("live/n")
        assert waited_for == type(none)("live/a", none.state)
        assert none.state == "off"


async def test_no_worker_is_asked_about_names_that_somebody_makes_up() -> None:
    async with serving_workers(2) as (first, second):
        publish(second, "live/a")
        streams = listed(first)
        asked: list[str] = []

        async def ask_all(question: str, **_: object) -> list[object]:
            asked.append(question)
            return []

        first.peers.ask_all = ask_all  # type: ignore[method-assign]
        assert (await streams.one("live/made-up")).state == "off"
        assert asked == []
        await streams.one("live/a")
        assert asked == ["streams"]
