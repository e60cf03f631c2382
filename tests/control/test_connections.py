"""Lists of publishers and viewers over the API, and sending them away."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from slipstream.formats import RtmpFormat
from slipstream.http.barred import Watching
from slipstream.hub import EndReason, Rank
from slipstream.net.served import ServedFigures
from tests.control.stage import Stage, Viewer, serving, serving_workers
from tests.hub.stage import Publisher, inter, key, video_config

VIEWERS = "/api/v1/viewers"


def air(stage: Stage, name: str = "live/a", publisher: Publisher | None = None) -> Publisher:
    publisher = publisher or Publisher()
    publication = stage.hub.publish(name, publisher, credential="k", now=stage.now)
    publication.receive([video_config(), key(0), inter(500), key(1000)], stage.now)
    return publisher


def watch(stage: Stage, name: str = "live/a", **about: Any) -> Viewer:
    fares = {
        key: about.pop(key) for key in list(about) if key in ServedFigures.__dataclass_fields__
    }
    since = about.pop("since", 0.0)
    viewer = Viewer(fares=ServedFigures(**fares), **about)
    stage.hub.subscribe(name, RtmpFormat, viewer, now=stage.now).since -= since
    return viewer


async def ids(stage: Stage, query: str) -> list[str]:
    told = await stage.json(f"{VIEWERS}?{query}")
    return [row["id"] for row in told["viewers"]]


async def test_viewers_are_told_of_all_streams_and_all_workers_the_longest_first() -> None:
    async with serving_workers(2) as (first, second):
        a = watch(first, since=5)
        b = watch(second, "live/b", since=9)
        c = watch(second, since=1)
        for stage in (first, second):
            told = await stage.json(VIEWERS)
            rows = told["viewers"]
            assert [row["id"] for row in rows] == [one.connection_id for one in (b, a, c)]
            assert [row["stream"] for row in rows] == ["live/b", "live/a", "live/a"]
            assert [row["worker"] for row in rows] == [12, 11, 12]
            assert (told["matching"], told["next"]) == (3, None)
            assert (told["workers_answered"], told["workers_expected"]) == (2, 2)


async def test_filters_leave_out_all_others() -> None:
    async with serving() as stage:
        watch(stage, connection_id="a", address="192.0.2.7")
        watch(stage, "live/b", connection_id="b", protocol="http-flv")
        watch(stage, "school/a", connection_id="c", address="192.0.2.7")
        for query, found in (
            ("stream=live/b", ["b"]),
            ("app=live", ["a", "b"]),
            ("protocol=rtmp", ["a", "c"]),
            ("address=192.0.2.7", ["a", "c"]),
            ("address=192.0.2.7&app=school", ["c"]),
            ("app=liv", []),
        ):
            assert await ids(stage, query + "&sort=id") == found


async def test_lists_are_sorted_by_any_figure_either_way() -> None:
    async with serving() as stage:
        for name, lag_ms in (("a", 20), ("b", 300), ("c", 20)):
            watch(stage, connection_id=name, lag_ms=lag_ms)
        assert await ids(stage, "sort=lag_ms") == ["a", "c", "b"]
        assert await ids(stage, "sort=-lag_ms") == ["b", "c", "a"]


async def test_what_is_not_known_comes_last_either_way() -> None:
    async with serving() as stage:
        for name, rtt_ms in (("a", None), ("b", 300.0), ("c", 20.0)):
            watch(stage, connection_id=name, rtt_ms=rtt_ms)
        assert await ids(stage, "sort=rtt_ms") == ["c", "b", "a"]
        assert await ids(stage, "sort=-rtt_ms") == ["b", "c", "a"]


@pytest.mark.parametrize("sort", ["for_s", "-for_s", "-lag_ms", "id"])
async def test_pages_have_everybody_once_in_order(sort: str) -> None:
    """250 in each of two workers: more than are looked at in one turn, many with the same lag."""
    async with serving_workers(2) as workers:
        for number in range(500):
            about = {"connection_id": f"v{number:03}", "lag_ms": number % 7, "since": number}
            watch(workers[number % 2], **about)
        expected = await ids(workers[0], f"sort={sort}&limit=200")
        after, found = "", []
        for asked in count():
            told = await workers[asked % 2].json(f"{VIEWERS}?sort={sort}&limit=120&after={after}")
            assert told["matching"] == 500
            found += [row["id"] for row in told["viewers"]]
            after = told["next"]
            if after is None:
                break
        assert found[:200] == expected
        assert sorted(found) == [f"v{number:03}" for number in range(500)]


@pytest.mark.parametrize(
    "query", ["sort=size", "sort=", "limit=0", "limit=201", "after=x", "after=W10", "near=x"]
)
async def test_what_cannot_be_asked_for_is_told(query: str) -> None:
    async with serving() as stage:
        response = await stage.get(f"{VIEWERS}?{query}")
        assert (response.status, response.content_type) == (400, "application/problem+json")
        assert f"'{query.partition('=')[0]}'" in (await response.json())["detail"]


async def test_publishers_of_all_streams_are_told() -> None:
    async with serving() as stage:
        air(stage, "live/b", Publisher(connection_id="b"))
        air(stage, "live/a", Publisher(connection_id="a"))
        told = await stage.json("/api/v1/publishers")
        assert [(row["id"], row["stream"]) for row in told["publishers"]] == [
            ("a", "live/a"),
            ("b", "live/b"),
        ]
        assert [row["frames"] for row in told["publishers"]] == [4, 4]
        told = await stage.json("/api/v1/publishers?stream=live/b")
        assert [row["id"] for row in told["publishers"]] == ["b"]


async def test_a_connection_tells_what_it_does() -> None:
    async with serving_workers(2) as (first, second):
        watch(second, connection_id="rtmp-2-7")
        watch(second, "live/b", connection_id="rtmp-2-7")
        told = await first.json("/api/v1/connections/rtmp-2-7")
        assert told["id"] == "rtmp-2-7"
        assert sorted(row["stream"] for row in told["watches"]) == ["live/a", "live/b"]
        assert told["publishes"] == []


async def test_a_viewer_is_sent_away_from_whichever_worker_has_it() -> None:
    async with serving_workers(2) as (first, second):
        viewer, other = watch(second), watch(second)
        path = f"/api/v1/connections/{viewer.connection_id}"
        response = await first.get(path, method="DELETE")
        assert response.status == 200
        assert [row["stream"] for row in (await response.json())["watches"]] == ["live/a"]
        assert viewer.ended is EndReason.KICKED
        assert other.ended is None
        assert (await first.get(path, method="DELETE")).status == 404
        assert await ids(first, "") == [other.connection_id]


async def test_a_publisher_is_sent_away() -> None:
    async with serving() as stage:
        publisher = air(stage)
        path = f"/api/v1/connections/{publisher.connection_id}"
        assert (await stage.get(path, method="DELETE")).status == 200
        assert publisher.ended is EndReason.KICKED
        assert not stage.hub.streams["live/a"].publications()


async def test_a_slate_stays_and_so_does_who_is_not_named() -> None:
    async with serving() as stage:
        slate = Publisher(connection_id="slate-1", protocol="slate")
        stage.hub.publish("live/a", slate, credential="", now=stage.now, rank=Rank.SLATE)
        for name in ("slate-1", "x", "%2F", "slate"):
            response = await stage.get(f"/api/v1/connections/{name}", method="DELETE")
            assert response.status == 404
        assert slate.ended is None


async def test_who_has_no_connection_is_let_in_nowhere_for_a_while() -> None:
    """Players of playlists ask whichever worker they reach: all have to know."""
    async with serving_workers(2) as (first, second):
        watching = Watching("live/a", "192.0.2.2", "player/1")

        class Player(Viewer):
            def end(self, reason: EndReason) -> None:
                second.parts.barred.add(watching, second.now)

        stage = second
        stage.hub.subscribe("live/a", RtmpFormat, Player(connection_id="hls-1"), now=stage.now)
        assert (await first.get("/api/v1/connections/hls-1", method="DELETE")).status == 200
        for stage in (first, second):
            assert stage.parts.barred.holds(watching, stage.now + 59)
            assert not stage.parts.barred.holds(watching, stage.now + 120)
