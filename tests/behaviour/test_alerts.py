"""A publisher that sends what it should not: it is told once, and its end as well."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict

import pytest

from tests.behaviour.ailing import AILMENTS, TICK_S, Ailing, settings_of
from tests.behaviour.backends import backend
from tests.behaviour.conftest import OpenServer
from tests.behaviour.pictures import gop
from tests.behaviour.visits import on_air
from tests.server import PATIENCE_S, RunningServer, running_server, wait_until

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


NOTHING_ELSE = """
[alerts]
for_s = 0
max_keyframe_s = 0
max_silence_s = 0
max_drift_ms = 0
max_repairs = 0

[log]
format = "json"
"""
LOOK_EVERY = 10  # ticks
HEALS_NOT = "repairs"  # they count for a minute, or until the publisher leaves

Told = dict[str, list[dict[str, object]]]


class Accounts:
    """What was told of each stream: by hooks, by events of the API and by the log."""

    def __init__(self) -> None:
        self.hooks: Told = defaultdict(list)
        self.events: Told = defaultdict(list)
        self.log: Told = defaultdict(list)


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    """Of publishers that were ailing, one in each way, all at once, and were healed."""
    found = Accounts()
    with backend() as application:
        apps = "".join(map(settings_of, AILMENTS))
        hooks = f'[hooks]\nurl = "{application.url}/events"\nevents = ["alert"]\n'
        folder = tmp_path_factory.mktemp("ailing")
        with running_server(folder, settings=NOTHING_ELSE + hooks + apps) as server:
            ail_and_heal(server)
            wait_until(lambda: all_is_well(server), "the end of all alerts")
            application.wait_for(len(alert_lines(server)), "alert")
            for event in server.api("events?kind=alert&limit=500")["events"]:
                found.events[event["stream"]].append(event["detail"])
            for line in alert_lines(server):
                found.log[line["stream"]].append(line)
    for _, fields in application.got:
        found.hooks[fields["stream"]].append(fields["detail"])
    return found


def ail_and_heal(server: RunningServer) -> None:
    """Publish until every alert has been raised and cleared, or it takes too long."""
    ailing = {kind: Ailing(server, kind) for kind in AILMENTS}
    began_at, tick = time.monotonic(), 0
    while time.monotonic() - began_at < PATIENCE_S:
        tick += 1
        time.sleep(max(began_at + tick * TICK_S - time.monotonic(), 0))
        for one in ailing.values():
            one.send(tick)
        if tick % LOOK_EVERY:
            continue
        lines = [(line["stream"], line["event"]) for line in alert_lines(server)]
        for one in ailing.values():
            one.is_healed = (one.stream, "alert.raised") in lines
        well = [(one.stream, "alert.cleared") in lines for one in ailing.values()]
        if sum(well) == len(ailing) - 1 and ailing[HEALS_NOT].is_healed:
            break
    for one in ailing.values():
        one.leave()


def all_is_well(server: RunningServer) -> bool:
    events = Counter(line["event"] for line in alert_lines(server))
    return events["alert.raised"] == events["alert.cleared"]


def alert_lines(server: RunningServer) -> list[dict[str, object]]:
    return [json.loads(line) for line in server.log().splitlines() if '"alert.' in line]


@pytest.mark.parametrize("kind", AILMENTS)
def test_each_alert_begins_and_ends_as_hook_event_and_line(accounts: Accounts, kind: str) -> None:
    stream = f"{kind.replace('_', '')}/x"
    lines = [(line["alert"], line["event"]) for line in accounts.log[stream]]
    times = len(lines) // 2  # more than once if this machine stood still for a moment
    assert times > 0
    assert lines == [(kind, "alert.raised"), (kind, "alert.cleared")] * times
    for told in (accounts.hooks[stream], accounts.events[stream]):
        states = [(one["alert"], one["state"]) for one in told]
        assert states == [(kind, "raised"), (kind, "cleared")] * times
        assert told[0]["threshold"] == AILMENTS[kind].threshold
