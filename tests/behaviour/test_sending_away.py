"""Whoever is sent away over the API goes: publishers and viewers of every protocol."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.behaviour.hls_stage import on_show
from tests.behaviour.visits import end_of, on_air
from tests.flv_client import FlvClient
from tests.hls_client import HlsClient
from tests.rtmp_client import RtmpClient
from tests.server import PATIENCE_S, RunningServer, wait_until

KICKED = "ended by the operator"


def viewer_id(server: RunningServer, stream: str, protocol: str) -> str:
    told = server.api(f"viewers?stream={stream}&protocol={protocol}")
    (viewer,) = told["viewers"]
    return str(viewer["id"])


def send_away(server: RunningServer, name: str) -> Any:
    request = urllib.request.Request(
        f"http://{server.host}:{server.http_port}/api/v1/connections/{name}",
        headers={"Authorization": f"Bearer {server.token}"},
        method="DELETE",
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
        return json.load(response)


def test_viewers_of_rtmp_and_http_are_told_and_others_stay(
    server: RunningServer, stream: str
) -> None:
    with on_air(server, stream), FlvClient(server, f"/{stream}.flv") as over_http:
        over_http.take(1)
        witness = viewer_id(server, stream, "rtmp")
        with RtmpClient.playing(server.play_url(stream)) as over_rtmp:
            server.wait_for_viewers(stream, 3, started=True)
            viewers = server.api(f"viewers?stream={stream}&protocol=rtmp")["viewers"]
            (other,) = (viewer["id"] for viewer in viewers if viewer["id"] != witness)
            told = send_away(server, other)
            assert [row["stream"] for row in told["watches"]] == [stream]
            end_of(over_rtmp)
        send_away(server, viewer_id(server, stream, "http-flv"))
        server.wait_for_viewers(stream, 1)
        assert viewer_id(server, stream, "rtmp") == witness
    server.wait_for_log(f'play.end .*reason="{KICKED}"')


def test_a_publisher_is_closed(server: RunningServer, stream: str) -> None:
    with on_air(server, stream):
        (publisher,) = server.api(f"publishers?stream={stream}")["publishers"]
        send_away(server, publisher["id"])
        wait_until(lambda: not server.api(f"publishers?stream={stream}")["publishers"], "its end")
    events = server.api(f"events?stream={stream}&kind=publish_done")["events"]
    assert [(event["id"], event["reason"]) for event in events] == [(publisher["id"], KICKED)]


def test_a_player_of_hls_is_let_in_by_no_worker_and_others_are(
    server: RunningServer, stream: str
) -> None:
    with (
        on_show(server, stream),
        HlsClient(server, stream, agent="unwanted/1") as unwanted,
        HlsClient(server, stream, agent="welcome/1") as welcome,
    ):
        assert unwanted.get(f"/{stream}.m3u8").status == 200
        wanted = [
            viewer["id"]
            for viewer in server.api(f"viewers?stream={stream}&protocol=hls&sort=id")["viewers"]
        ]
        for name in wanted:
            send_away(server, name)
        for _ in range(6):  # new connections, to whichever worker accepts them
            with HlsClient(server, stream, agent="unwanted/1") as player:
                answer = player.get(f"/{stream}.m3u8")
                assert (answer.status, answer.body.decode()) == (403, f"{KICKED}\n")
        assert unwanted.get(f"/{stream}.m3u8").status == 403
        assert welcome.get(f"/{stream}.m3u8").status == 200
