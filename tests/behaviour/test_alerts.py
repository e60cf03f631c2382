"""A publisher that sends what it should not: it is told once, and its end as well."""

from __future__ import annotations

import json

from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import gop
from tests.behaviour.visits import on_air
from tests.server import wait_until

SETTINGS = """
[alerts]
for_s = 0
max_silence_s = 1
max_keyframe_s = 0

[apps.patient]
alerts.max_silence_s = 60

[log]
format = "json"
"""


def test_a_silence_is_told_by_log_api_and_metrics_until_it_is_over(
    open_server: OpenServer, stream: str
) -> None:
    server = open_server(settings=SETTINGS)
    with on_air(server, stream) as station, on_air(server, f"patient/{stream[5:]}"):
        wait_until(lambda: server.stream(stream)["alerts"], "the alert")
        (alert,) = server.stream(stream)["alerts"]
        assert (alert["alert"], alert["threshold"]) == ("silence", 1)
        assert alert["value"] > 1
        assert server.stream(f"patient/{stream[5:]}")["alerts"] == []
        assert f'slipstream_stream_alert{{stream="{stream}",alert="silence"}} 1' in server.metrics()
        assert 'slipstream_alerts_raised_total{alert="silence"} 1' in server.metrics()
        station.send(*gop(200))
        wait_until(lambda: not server.stream(stream)["alerts"], "its end")
        assert f'stream_alert{{stream="{stream}"' not in server.metrics()
        told = [json.loads(line) for line in server.log().splitlines() if '"alert.' in line]
    assert [(line["event"], line["level"]) for line in told[:2]] == [
        ("alert.raised", "warning"),
        ("alert.cleared", "info"),
    ]
    assert all(line["stream"] == stream and line["id"].startswith("rtmp-") for line in told)
