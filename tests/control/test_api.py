"""The HTTP API, over real sockets: what it tells, whom it tells, and what it answers when not."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from typing import Any

import aiohttp
import orjson
import pytest

from slipstream.control.configuration.config import Config
from slipstream.control.reports.server_report import ServerReport, WorkerReport
from slipstream.control.reports.stream_report import PublisherReport, StreamReport, ViewerReport
from slipstream.formats import RtmpFormat
from slipstream.http.application import MAX_BODY_BYTES
from slipstream.hub import Publication
from slipstream.net.served import ServedFigures
from tests.control.stage import TOKEN, WITH_TOKEN, Stage, Viewer, serving
from tests.hub.stage import Publisher, audio_config, inter, key, sound, video_config

GUARDED = ["/metrics", "/api/v1/server", "/api/v1/streams", "/api/v1/streams/live/a", "/api/v1/x"]
OPEN = ["/health/live", "/health/ready"]


def fields(report: type) -> set[str]:
    return {field.name for field in dataclasses.fields(report)}


def air(stage: Stage, name: str = "live/a") -> None:
    """Put a stream on air: two GOPs of a second each."""
    publication = stage.hub.publish(name, Publisher(), credential="key:abc", now=stage.now)
    frames = [video_config(), audio_config(), key(0), sound(10), inter(500), key(1000)]
    publication.receive(frames, stage.now)
    publication.bytes_received += 5000


async def test_health_is_told_to_everybody() -> None:
    async with serving() as stage:
        for path, told in zip(OPEN, ("live", "ready"), strict=True):
            response = await stage.get(path, headers={})
            assert response.status == 200
            assert await response.json() == {"status": told}


async def test_a_server_that_is_stopping_is_live_but_not_ready() -> None:
    async with serving() as stage:
        stage.parts.ready = False
        assert (await stage.get("/health/live")).status == 200
        response = await stage.get("/health/ready")
        assert response.status == 503
        assert response.content_type == "application/problem+json"


@pytest.mark.parametrize("path", GUARDED)
async def test_the_rest_needs_the_token(path: str) -> None:
    async with serving() as stage:
        for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer wrong"}):
            response = await stage.get(path, headers)
            assert response.status == 401
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            assert response.content_type == "application/problem+json"
            assert TOKEN not in await response.text()


async def test_the_token_is_never_taken_from_the_address() -> None:
    async with serving() as stage:
        assert (await stage.get(f"/api/v1/server?token={TOKEN}", {})).status == 401


async def test_guessing_tokens_is_refused_after_five_with_the_right_one_too() -> None:
    async with serving() as stage:
        for _ in range(5):
            wrong = await stage.get("/api/v1/server", {"Authorization": "Bearer x"})
            assert wrong.status == 401
        response = await stage.get("/api/v1/server")
        assert response.status == 429
        assert response.headers["Retry-After"] == "10"
        assert (await stage.get("/health/live")).status == 200


async def test_metrics_may_be_opened() -> None:
    config = Config.model_validate({"server": {"open_metrics": True}})
    async with serving(config) as stage:
        response = await stage.get("/metrics", headers={})
        assert response.status == 200
        assert "slipstream_viewers_waiting 0\n" in await response.text()


async def test_the_server_tells_of_itself() -> None:
    async with serving() as stage:
        air(stage)
        stage.hub.subscribe("live/b", RtmpFormat, Viewer(), now=stage.now)
        told = await stage.json("/api/v1/server")
    assert set(told) == fields(ServerReport)
    (worker,) = objects(told["workers"])
    assert set(worker) == fields(WorkerReport)
    assert (worker["number"], worker["pid"], told["workers_expected"]) == (1, os.getpid(), 1)
    assert (worker["publishers"], worker["viewers"], worker["connections"]) == (1, 1, 0)
    assert int(worker["memory_bytes"]) > 1 << 20
    assert int(worker["descriptors"]) > 3
    assert told["started_at"] == "2026-11-18T11:06:40+00:00"
    assert told["streams"] == {"live": 1, "slate": 0, "starting": 0, "waiting": 1}
    assert told["publishers"] == {"rtmp": 1}
    assert told["viewers"] == {"rtmp": 1}
    assert told["waiting_viewers"] == 1


async def test_a_stream_tells_of_its_publisher_its_tracks_and_its_pace() -> None:
    async with serving() as stage:
        air(stage)
        stage.hub.tick(stage.now + 1)
        told = await stage.json("/api/v1/streams")
    assert (told["workers_answered"], told["workers_expected"]) == (1, 1)
    (stream,) = objects(told["streams"])
    assert set(stream) == fields(StreamReport)
    assert (stream["name"], stream["state"], stream["gop_ms"]) == ("live/a", "live", 1000)
    publisher = stream["publisher"]
    assert set(publisher) == fields(PublisherReport)
    assert stream["publishers"] == [publisher]
    assert (publisher["bitrate_bps"], publisher["frames"]) == (40_000, 6)
    assert (publisher["credential"], publisher["address"]) == ("key:abc", "192.0.2.1")
    video, audio = sorted(objects(stream["tracks"]), key=lambda track: str(track["kind"]))[::-1]
    assert (video["kind"], video["track"]) == ("video", 0)
    assert isinstance(video["codec"], dict)
    assert video["codec"]["codec_string"] == "avc1.4d400a"
    assert isinstance(audio["codec"], dict)
    assert (audio["codec"]["codec_string"], audio["codec"]["sample_rate"]) == ("mp4a.40.2", 44_100)


async def test_a_stream_tells_of_its_viewers() -> None:
    async with serving() as stage:
        air(stage)
        fares = ServedFigures(40, 9000, jumps=2, skipped_ms=1500, dropped_frames=7)
        stage.hub.subscribe("live/a", RtmpFormat, Viewer(fares=fares), now=stage.now)
        told = await stage.json("/api/v1/streams/live/a")
    (viewer,) = objects(told["viewers"])
    assert set(viewer) == fields(ViewerReport)
    assert (viewer["protocol"], viewer["format"], viewer["address"]) == (
        "rtmp",
        "rtmp",
        "192.0.2.2",
    )
    assert (viewer["lag_ms"], viewer["jumps"], viewer["skipped_ms"]) == (40, 2, 1500)
    assert viewer["dropped_frames"] == 7
    assert (viewer["bytes"], viewer["waiting"]) == (9000, False)
    stream = told["stream"]
    assert isinstance(stream, dict)
    (form,) = objects(stream["formats"])
    assert (form["name"], form["viewers"]) == ("rtmp", 1)


async def test_a_list_of_viewers_is_as_long_as_asked_for() -> None:
    async with serving() as stage:
        for _ in range(150):
            stage.hub.subscribe("live/a", RtmpFormat, Viewer(), now=stage.now)
        for asked, length in (
            ("", 100),
            ("?viewers=3", 3),
            ("?viewers=0", 0),
            ("?viewers=1000", 150),
        ):
            told = await stage.json(f"/api/v1/streams/live/a{asked}")
            assert len(objects(told["viewers"])) == length
        for asked in ("1001", "-1", "x", "", "²", "9" * 5000, "9999"):
            response = await stage.get(f"/api/v1/streams/live/a?viewers={asked}")
            assert response.status == 400


STANDBY = Config.model_validate({"streams": {"on_second_publisher": "standby"}})


def stand_by(stage: Stage, name: str = "live/a") -> Publication:
    """Have a second publisher ready beside the one on air."""
    publication = stage.hub.publish(name, Publisher(), credential="key:abc", now=stage.now)
    publication.receive([video_config(), key(0), inter(500)], stage.now)
    return publication


@pytest.mark.parametrize("named", [False, True])
async def test_a_standby_goes_on_air_when_told(*, named: bool) -> None:
    async with serving(STANDBY) as stage:
        air(stage)
        standby = stand_by(stage)
        told = await stage.json("/api/v1/streams/live/a")
        assert [one["state"] for one in told["stream"]["publishers"]] == ["on air", "standby"]
        body = {"publisher": standby.peer.connection_id} if named else None
        response = await switch(stage, None if body is None else orjson.dumps(body))
        assert response.status == 200
        answer = await response.json()
        assert set(answer["publisher"]) == fields(PublisherReport)
        assert (answer["publisher"]["id"], answer["publisher"]["state"]) == (
            standby.peer.connection_id,
            "coming",
        )
        standby.receive([key(1000)], stage.now)
        told = await stage.json("/api/v1/streams/live/a")
        assert told["stream"]["publisher"]["id"] == standby.peer.connection_id
        assert (await stage.json("/api/v1/server"))["switches"] == 1


async def test_without_a_standby_there_is_nothing_to_switch_to() -> None:
    async with serving(STANDBY) as stage:
        response = await switch(stage)
        assert (response.status, response.content_type) == (404, "application/problem+json")
        stage.hub.subscribe("live/a", RtmpFormat, Viewer(), now=stage.now)
        assert (await switch(stage)).status == 404
        air(stage)
        assert (await switch(stage)).status == 409
        stand_by(stage)
        assert (await switch(stage, b'{"publisher": "x-1"}')).status == 409
        assert (await switch(stage, b'{"publisher": null}')).status == 200


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"x"', b'{"publisher": 3}', b'{"publishers": "x"}', b"\xff", b"[" * 100_000],
)
async def test_a_wish_that_is_none_is_told(body: bytes) -> None:
    async with serving(STANDBY) as stage:
        air(stage)
        stand_by(stage)
        response = await switch(stage, body)
        assert (response.status, response.content_type) == (400, "application/problem+json")


async def test_a_wish_is_bounded_and_needs_the_token() -> None:
    async with serving(STANDBY) as stage:
        air(stage)
        standby = stand_by(stage)
        assert (await switch(stage, b" " * (MAX_BODY_BYTES + 1))).status == 413
        path = "/api/v1/streams/live/a/switch"
        assert (await stage.get(path, {}, method="POST")).status == 401
        standby.receive([key(1000)], stage.now)
        assert not standby.on_air


async def switch(stage: Stage, body: bytes | None = None) -> aiohttp.ClientResponse:
    return await stage.get("/api/v1/streams/live/a/switch", method="POST", body=body)


async def test_what_is_not_there_is_a_problem() -> None:
    async with serving() as stage:
        for path in ("/api/v1/streams/live/none", "/api/v1/none", "/api/v1/streams/../x"):
            response = await stage.get(path)
            assert response.status == 404
            assert response.content_type == "application/problem+json"
            problem = await response.json()
            assert (problem["status"], problem["title"]) == (404, "Not Found")


async def test_what_is_only_told_cannot_be_changed() -> None:
    async with serving() as stage:
        for path in ("/api/v1/server", "/api/v1/streams", "/api/v1/streams/live/a"):
            for method in ("POST", "PUT", "DELETE", "OPTIONS"):
                response = await stage.get(path, method=method)
                assert response.status == 405
                assert response.headers["Allow"] == "GET, HEAD"


async def test_a_worker_that_accepts_nobody_any_more_sends_its_clients_elsewhere() -> None:
    async with serving() as stage:
        response = await stage.get("/health/live")
        assert "Connection" not in response.headers
        stage.parts.ready = False
        reader, writer = await asyncio.open_connection("127.0.0.1", int(stage.url.split(":")[-1]))
        writer.write(2 * b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await reader.read()  # to the end of the connection
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"Connection: close\r\n" in answer
        assert answer.count(b"HTTP/1.1") == 1
        writer.close()


async def test_a_bug_is_a_problem_and_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving() as stage:
        monkeypatch.setattr(stage.parts, "hub", None)
        response = await stage.get("/api/v1/server")
        assert response.status == 500
        assert await response.json() == {"title": "Internal Server Error", "status": 500}


async def test_no_answer_is_for_other_sites_or_for_guessing_types() -> None:
    async with serving() as stage:
        for path in (*OPEN, *GUARDED, "/none"):
            response = await stage.get(path, {**WITH_TOKEN, "Origin": "https://elsewhere.example"})
            assert "Access-Control-Allow-Origin" not in response.headers
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "Server" not in response.headers


def objects(value: object) -> list[dict[str, Any]]:
    assert isinstance(value, list)
    return value
