"""The configuration in force: who reads it sees what is new, and what cannot change does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog

from slipstream.control.configuration.config import Config
from slipstream.control.configuration.live import FIXED, LiveConfig, differences
from slipstream.control.configuration.mistakes import ConfigError


def config(**sections: Any) -> Config:
    return Config.model_validate(sections)


def test_readers_see_what_is_in_force() -> None:
    live = LiveConfig(config())
    grace = live.reader(Config.stream_settings)
    assert grace("live/a").grace_s == 15
    assert live.apply(config(streams={"grace_s": 3})) == ["streams.grace_s"]
    assert grace("live/a").grace_s == 3


def test_followers_are_told_of_changes_only() -> None:
    live = LiveConfig(config())
    told: list[Config] = []
    live.follow(told.append)
    assert live.apply(config(streams={"grace_s": 15.0})) == []
    assert live.apply(config(log={"level": "debug"})) == ["log.level"]
    assert [one.log.level for one in told] == ["debug"]


def test_a_follower_with_a_bug_keeps_nothing_from_the_others() -> None:
    live = LiveConfig(config())
    told: list[Config] = []

    def fail(_: Config) -> None:
        raise RuntimeError("a bug")

    live.follow(fail)
    live.follow(told.append)
    with structlog.testing.capture_logs() as lines:
        live.apply(config(streams={"grace_s": 3}))
    assert len(told) == 1
    assert lines[0]["event"] == "config.bug"


def test_what_cannot_change_stays_and_is_pending_until_it_is_taken_back() -> None:
    live = LiveConfig(config(server={"rtmp": ":1", "workers": 2}))
    changed = live.apply(config(server={"rtmp": ":2", "stop_s": 5}))
    assert changed == ["server.stop_s"]
    assert live.pending == ["server.rtmp", "server.workers"]
    server = live.config.server
    assert (server.rtmp, server.workers, server.stop_s) == (":1", 2, 5)
    assert live.apply(config(server={"rtmp": ":1", "workers": 2, "stop_s": 5})) == []
    assert live.pending == []


def test_every_fixed_setting_exists() -> None:
    for section, key in FIXED:
        assert hasattr(getattr(Config(), section), key)


def test_differences_name_each_setting_and_those_of_applications() -> None:
    one = config(apps={"a": {"streams": {"grace_s": 15}}, "b": {"streams": {"wait_s": 1}}})
    other = config(apps={"b": {"streams": {"wait_s": 2}}}, net={"allowed_origins": []})
    assert set(differences(one, other)) == {
        "apps.a.streams.grace_s",  # it was set, be it to the default
        "apps.b.streams.wait_s",
        "net.allowed_origins",
    }


def test_it_passes_to_another_process_as_it_is(tmp_path: Path) -> None:
    sent = config(
        server={"data_dir": tmp_path, "workers": 2},
        apps={"a": {"streams": {"grace_s": 15}}},
    )
    received = Config.from_json(sent.to_json())
    assert received == sent
    assert not list(differences(received, sent))
    assert received.stream_settings("a/x").grace_s == 15


def test_what_another_version_sends_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^streams\.new: unknown key$"):
        Config.from_json('{"streams": {"new": 1}}')
