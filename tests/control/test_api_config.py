"""The routes of the configuration."""

from __future__ import annotations

from slipstream.control.api.config import without_secrets
from slipstream.control.configuration.config import Config
from slipstream.control.configuration.mistakes import ConfigError, Mistake
from slipstream.control.configuration.reload import Reloading, no_reload
from slipstream.relays import PullSettings, PushSettings, RelaySettings
from tests.control.stage import serving


async def test_it_shows_what_is_in_force_with_what_applications_set() -> None:
    config = Config.model_validate({"apps": {"a": {"streams": {"grace_s": 1}}}})
    async with serving(config) as stage:
        answer = await stage.json("/api/v1/config")
        assert answer["settings"]["streams"]["grace_s"] == 15
        assert answer["settings"]["apps"] == {"a": {"streams": {"grace_s": 1}}}
        assert answer["pending"] == []
        stage.live.apply(
            Config.model_validate({"streams": {"grace_s": 2}, "server": {"stop_s": 3}})
        )
        answer = await stage.json("/api/v1/config")
        assert answer["settings"]["streams"]["grace_s"] == 2


async def test_it_needs_the_token() -> None:
    async with serving() as stage:
        assert (await stage.get("/api/v1/config", {})).status == 401
        assert (await stage.get("/api/v1/config/reload", {}, "POST")).status == 401


async def test_a_reload_tells_what_has_changed_or_all_mistakes() -> None:
    found: list[Config | ConfigError] = [
        Config.model_validate({"server": {"workers": 7, "stop_s": 1}}),
        ConfigError([Mistake("s.toml", "unknown key", ("net", "x"), 3), Mistake("--x", "is bad")]),
    ]

    def load() -> Config:
        result = found.pop(0)
        if isinstance(result, ConfigError):
            raise result
        return result

    async with serving() as stage:
        stage.parts.reload = Reloading(stage.live, load).reload
        answer = await stage.get("/api/v1/config/reload", method="POST")
        assert answer.status == 200
        assert await answer.json() == {"changed": ["server.stop_s"], "pending": ["server.workers"]}
        answer = await stage.get("/api/v1/config/reload", method="POST")
        assert answer.status == 422
        assert answer.content_type == "application/problem+json"
        assert (await answer.json())["mistakes"] == [
            {"place": "s.toml", "line": 3, "key": "net.x", "reason": "unknown key"},
            {"place": "--x", "line": None, "key": "", "reason": "is bad"},
        ]
        assert stage.live.config.server.stop_s == 1


async def test_a_reload_that_nobody_can_do_is_a_problem() -> None:
    async with serving() as stage:
        stage.parts.reload = no_reload
        assert (await stage.get("/api/v1/config/reload", method="POST")).status == 503


def test_secrets_are_masked_and_places_of_secrets_are_not() -> None:
    shown = without_secrets(
        {
            "publish": "key",
            "key_file": "/etc/key.pem",
            "api_token": "t",
            "secrets": ["a", "b"],
            "password": "",
            "push": {"one": {"url": "rtmp://me:word@host/live/x?key=k"}},
            "hooks": ["https://host/?token=t&x=1"],
        }
    )
    assert shown == {
        "publish": "key",
        "key_file": "/etc/key.pem",
        "api_token": "***",
        "secrets": ["***", "***"],
        "password": "",
        "push": {"one": {"url": "rtmp://me:***@host/live/x?key=***"}},
        "hooks": ["https://host/?token=***&x=1"],
    }


async def test_the_name_that_a_relay_publishes_to_is_masked() -> None:
    push = PushSettings(stream="live/a", url="rtmp://example.com/live/abcd-efgh")
    pull = PullSettings(stream="live/b", url="rtmp://example.com/live/b?pass=word")
    config = Config(relays=RelaySettings(push=[push], pull=[pull]))
    async with serving(config) as stage:
        shown = (await stage.json("/api/v1/config"))["settings"]["relays"]
    assert [relay["url"] for relay in (*shown["push"], *shown["pull"])] == [
        "rtmp://example.com/live/***",
        "rtmp://example.com/live/b?***",
    ]
