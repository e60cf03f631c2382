"""A server whose memory is full: nobody new may publish, and whoever is there goes on."""

from __future__ import annotations

from itertools import count

from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import CONFIGS, GOP_MS, bodies, gop
from tests.behaviour.visits import assert_serves, on_air, refusal
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer, wait_until

CEILING_MB = 100
# All of a stream is kept as long as it lives, so that it fills the memory.
SETTINGS = f"""
[server]
max_memory_mb = {CEILING_MB}
[streams]
keep_ms = 3600000
max_bytes = 1000000000
grace_s = 0
"""
FILLING = 400_000  # bytes in each picture


def workers(server: RunningServer, name: str) -> list[object]:
    return [worker[name] for worker in server.api("server")["workers"]]


def test_beyond_the_ceiling_of_memory_only_newcomers_are_refused(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server("--workers", "1", settings=SETTINGS)
    assert workers(server, "memory_max_bytes") == [CEILING_MB << 20]
    with on_air(server, stream) as station:
        numbers = count(1)

        def is_full_after_another_gop() -> bool:
            station.send(*gop(next(numbers) * GOP_MS, filling=FILLING))
            return workers(server, "memory_full") == [True]

        wait_until(is_full_after_another_gop, "full memory", within_s=60)
        server.wait_for_log("memory.full")

        assert "memory" in refusal(server.publish_url(f"{stream}-new")).description
        newest = gop(next(numbers) * GOP_MS)
        station.send(*newest)
        with RtmpClient.playing(server.play_url(stream)) as newcomer:
            assert bodies(newcomer.take(len(CONFIGS) + len(newest)))[len(CONFIGS) :] == bodies(
                newest
            )
    wait_until(lambda: workers(server, "memory_full") == [False], "memory that is free again")
    assert_serves(server, f"{stream}-new")
