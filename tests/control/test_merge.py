"""Merging: what the workers tell is what one worker would tell that had everybody."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from slipstream import __version__
from slipstream.control.configuration.config import Config
from slipstream.control.metrics.ledger import Ledger
from slipstream.control.reports.merge import (
    merge_shares,
    merge_stream,
    merge_streams,
    merge_viewers,
)
from slipstream.formats import FlvFormat, RtmpFormat
from tests.control.stage import Neighbour, Stage, Viewer
from tests.hub.stage import Publisher, inter, key, video_config

COUNT = st.integers(0, 1000)
NAMES = st.sampled_from(["live/a", "live/b", "live/c"])
PROTOCOLS = st.dictionaries(st.sampled_from(["rtmp", "http-flv"]), COUNT)
SHARES = st.fixed_dictionaries(
    {
        "started_at": COUNT,
        "ready": st.booleans(),
        "workers": st.builds(lambda number: [{"number": number}], COUNT),
        "waiting_streams": st.dictionaries(NAMES, COUNT),
        "viewers": PROTOCOLS,
        "connections_open": COUNT,
        "players": st.dictionaries(NAMES, st.booleans().map(lambda waits: ["hls", waits])),
        "pump_interval_ms": COUNT,
    }
)


@given(st.lists(SHARES, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_in_which_shares_are_merged_does_not_matter(
    shares: list[dict[str, Any]], random: Any
) -> None:
    shuffled = random.sample(shares, len(shares))
    cut = random.randint(1, len(shares))
    in_steps = merge_shares([merge_shares(shares[:cut]), *shares[cut:]])
    assert merge_shares(shares) == merge_shares(shuffled) == in_steps


def test_everything_is_added_up_but_times_and_what_is_shared() -> None:
    shares = [
        share(ready=False, viewers={"rtmp": 2}, pump_interval_ms=3, connections_max=100),
        share(started_at=5, viewers={"rtmp": 1, "http-flv": 4}, connections_max=100),
    ]
    shares[0]["waiting_streams"] = {"live/a": 70, "live/b": 0}
    shares[1]["waiting_streams"] = {"live/a": 90, "live/c": 5}
    merged = merge_shares(shares)
    assert (merged["started_at"], merged["ready"], merged["pump_interval_ms"]) == (5, True, 3)
    assert merged["viewers"] == {"rtmp": 3, "http-flv": 4}
    assert merged["connections_max"] == 200
    assert merged["waiting_streams"] == {"live/a": 90, "live/b": 0, "live/c": 5}


def share(**told: Any) -> dict[str, Any]:
    return {
        "started_at": 9,
        "ready": True,
        "viewers": {},
        "waiting_streams": {},
        "pump_interval_ms": 0,
        **told,
    }


def stream_share(
    worker: int | None, players: dict[str, tuple[str, bool]] | None = None, **told: Any
) -> dict[str, Any]:
    report = {
        "name": "live/a",
        "state": "live",
        "for_s": 1.0,
        "worker": worker,
        "tracks": [],
        "viewers": 0,
        "waiting_viewers": 0,
        "formats": [],
        **told,
    }
    return {"report": report, "players": players or {}}


def form(viewers: int, log_bytes: int, name: str = "rtmp") -> dict[str, Any]:
    return {"name": name, "viewers": viewers, "bitrate_bps": log_bytes, "log_bytes": log_bytes}


def test_a_stream_is_told_by_its_home_and_watched_everywhere() -> None:
    home = stream_share(2, gop_ms=1000, viewers=1, formats=[form(1, 900)])
    other = stream_share(
        None, gop_ms=0, for_s=8.5, viewers=3, waiting_viewers=1, formats=[form(3, 950)]
    )
    merged = merge_stream([other, home])
    assert (merged["worker"], merged["gop_ms"], merged["for_s"]) == (2, 1000, 8.5)
    assert (merged["viewers"], merged["waiting_viewers"]) == (4, 1)
    assert merged["formats"] == [form(4, 900)]


def test_who_does_not_have_the_publishers_cannot_say_that_a_stream_is_on_air() -> None:
    told = [
        stream_share(None),
        stream_share(1, state="starting"),
        stream_share(None, state="waiting"),
    ]
    assert merge_stream(told)["state"] == "starting"
    assert merge_stream(told[::2])["state"] == "live"


def test_memory_that_several_hold_counts_once_when_the_publisher_has_gone() -> None:
    told = [
        stream_share(None, state="waiting", formats=[form(1, 500), form(2, 30, "flv")]),
        stream_share(None, state="waiting", formats=[form(1, 900)]),
    ]
    assert merge_stream(told)["formats"] == [form(2, 30, "flv"), form(2, 900)]


def test_viewers_of_all_workers_come_longest_first() -> None:
    lists = [[watcher(9.0), watcher(2.0)], [], [watcher(5.0), watcher(1.0)]]
    assert [viewer["for_s"] for viewer in merge_viewers(lists, 3)] == [9.0, 5.0, 2.0]
    assert merge_viewers(lists, 0) == []


def watcher(for_s: float, player: str = "", **told: Any) -> dict[str, Any]:
    return {"id": f"rtmp-{for_s}", "player": player, "for_s": for_s, **told}


def test_a_player_in_several_workers_is_one_viewer() -> None:
    cmaf = {"name": "cmaf", "bitrate_bps": 9, "log_bytes": 900}
    here = {"one": ("cmaf", False), "two": ("cmaf", True)}
    there = {"one": ("cmaf", True), "three": ("cmaf", True), "two": ("cmaf", True)}
    told = [
        stream_share(1, here, viewers=2, waiting_viewers=1, formats=[{**cmaf, "viewers": 2}]),
        stream_share(None, there, viewers=4, waiting_viewers=3, formats=[{**cmaf, "viewers": 4}]),
    ]
    merged = merge_stream(told)  # with one viewer more, whose name is not known
    assert (merged["viewers"], merged["waiting_viewers"]) == (4, 2)
    assert merged["formats"] == [{**cmaf, "viewers": 4}]


def test_a_player_in_several_workers_is_listed_once_with_all_its_bytes() -> None:
    lists = [
        [watcher(9.0), watcher(3.0, "one", waiting=True, bytes=5)],
        [watcher(4.0, "one", waiting=False, bytes=7), watcher(2.0, "two")],
    ]
    shown = merge_viewers(lists, 5)
    assert [viewer["for_s"] for viewer in shown] == [9.0, 4.0, 2.0]
    assert shown[1] == watcher(4.0, "one", waiting=False, bytes=12)
    assert merge_viewers(lists, 2) == shown[:2]


def test_players_of_the_server_are_united() -> None:
    told = [
        share(viewers={"rtmp": 1}, players={"one": ["hls", False], "two": ["dash", True]}),
        share(viewers={"rtmp": 2}, players={"two": ["dash", True], "one": ["hls", True]}),
    ]
    merged = merge_shares(told)
    assert merged["viewers"] == {"rtmp": 3}
    assert merged["players"] == {"one": ["hls", False], "two": ["dash", True]}


LEDGER = Ledger()  # for all: each has its own descriptors
WORKERS = 3
STREAMS = st.lists(
    st.tuples(st.integers(0, WORKERS - 1), st.sampled_from(["", "starting", "live"])),
    max_size=5,
)
WATCHERS = st.lists(
    st.tuples(
        st.integers(0, 4), st.integers(0, WORKERS - 1), st.sampled_from([RtmpFormat, FlvFormat])
    ),
    max_size=12,
)


@given(STREAMS, WATCHERS)
@settings(max_examples=50)
def test_workers_together_tell_what_one_would_that_had_everybody(
    streams: list[tuple[int, str]], watchers: list[tuple[int, int, Any]]
) -> None:
    asyncio.run(compare(streams, watchers))
    gc.collect()  # of logs, which have descriptors


async def compare(
    streams: Sequence[tuple[int, str]], watchers: Sequence[tuple[int, int, Any]]
) -> None:
    everybody: list[Neighbour] = []
    workers = [Stage(Config(), Neighbour(everybody), LEDGER) for _ in range(WORKERS)]
    alone = Stage(Config(), ledger=LEDGER)
    now = alone.now
    for number, (home, state) in enumerate(streams):
        for stage in (workers[home], alone):
            if state:
                publication = stage.directory.publish(
                    f"live/{number}", Publisher(connection_id="p"), credential="k", now=now
                )
                publication.receive(
                    [video_config(), key(0), inter(40)][: 3 * (state == "live")], now
                )
    for number, worker, form_class in watchers:
        for stage in (workers[worker], alone):
            viewer = Viewer(connection_id="v")
            stage.hub.subscribe(f"live/{number}", form_class, viewer, now=now)
    for stage in (*workers, alone):
        stage.answer_questions()
    told, whole = [[await tell(stage) for stage in some] for some in (workers, [alone])]
    server, expected = [merge_shares([answer[0] for answer in some]) for some in (told, whole)]
    for name in ("streams", "publishers", "viewers", "waiting_viewers", "received_bps"):
        assert server[name] == expected[name]
    assert set(server["waiting_streams"]) == set(expected["waiting_streams"])
    assert server["log_bytes"] == expected["log_bytes"]
    assert timeless(merge_streams(answer[1] for answer in told)) == timeless(
        merge_streams(answer[1] for answer in whole)
    )


async def tell(stage: Stage) -> list[Any]:
    """What a worker answers of itself and of its streams."""

    async def ask(question: str, **arguments: Any) -> Any:
        own, *_ = await stage.peers.ask_all(question, version=__version__, **arguments)
        return own

    return [await ask("server"), await ask("streams", names=await ask("names"))]


def timeless(value: Any) -> Any:
    """Without what depends on when it was asked."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in ("for_s", "silent_s")}
    return [timeless(item) for item in value] if isinstance(value, list) else value
