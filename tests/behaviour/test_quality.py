"""How good it is what each viewer gets: one that reads everything, and one that is too slow."""

from __future__ import annotations

import re
from typing import Any

from tests.behaviour.conftest import OpenServer
from tests.behaviour.hls_stage import on_show
from tests.behaviour.test_slow_viewers import GOP_BYTES, SETTINGS, player_of, real_time
from tests.behaviour.visits import on_air
from tests.hls_client import HlsClient
from tests.server import RunningServer

SECONDS = 5


def test_a_slow_viewer_has_a_worse_score_than_a_good_one(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings=SETTINGS)
    with on_air(server, stream) as station:
        good_id = viewer_of(server, stream)["id"]
        with player_of(server, stream) as slow_player:
            server.wait_for_viewers(stream, 2)
            for frames in real_time(SECONDS):
                station.send(*frames)
                slow_player.hear_some(1, GOP_BYTES // 4)
            viewers = server.api(f"streams/{stream}")["viewers"]
            page = server.metrics()
    good, slow = sorted(viewers, key=lambda viewer: viewer["id"] != good_id)
    assert good["score"] > 80
    assert slow["score"] < good["score"] - 15
    assert good["frame_rate"] > slow["frame_rate"] + 3
    assert good["stream_frame_rate"] > 20
    for viewer in (good, slow):
        assert 0 <= viewer["startup_ms"] < 5000
        assert viewer["rtt_ms"] > 0
        assert viewer["retransmits"] >= 0
    lowest = re.search(rf'viewer_score{{stream="{stream}",quantile="0.01"}} (\S+)', page)
    assert lowest is not None
    assert float(lowest[1]) < good["score"]
    server.wait_for_log(rf"play\.end .*id={slow['id']} .*startup_ms=.* rtt_ms=.* score=\d+")


def test_a_player_of_playlists_is_judged_by_what_can_be_seen(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server()
    with on_show(server, stream), HlsClient(server, stream) as player:
        (first, *_) = player.playlist("v0").segments
        assert viewer_of(server, stream)["score"] is None
        assert player.get(first.uri).status == 200
        begun = viewer_of(server, stream)
        gone = first.uri.replace(f".{first.number}.", f".{first.number - 1}.")
        assert player.get(gone).status == 404
        late = viewer_of(server, stream)
    assert begun["startup_ms"] >= 0
    assert begun["late_requests"] == 0
    assert late["late_requests"] == 1
    assert late["score"] < begun["score"] <= 100
    assert late["rtt_ms"] is late["frame_rate"] is None


def viewer_of(server: RunningServer, stream: str) -> dict[str, Any]:
    """The one who has come last."""
    viewer: dict[str, Any] = server.api(f"streams/{stream}")["viewers"][-1]
    return viewer
