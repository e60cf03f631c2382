from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pydantic import ValidationError

from slipstream.control.configuration.config import Config, load_config
from slipstream.control.configuration.mistakes import ConfigError
from slipstream.hooks import HookSettings

URL = "https://example.com/hooks"


@pytest.mark.parametrize(
    "url",
    ["example.com", "ftp://example.com/", "http://", "http://a:99999/", "http://a b/", "//x/"],
)
def test_an_address_must_be_one(url: str) -> None:
    with pytest.raises(ValidationError, match="must be an address"):
        HookSettings(url=url)


@pytest.mark.parametrize("secret", ["secret", "whsec_short", "whsec_" + "!" * 40])
def test_a_secret_must_be_one_and_is_not_shown(secret: str) -> None:
    with pytest.raises(ValidationError) as raised:
        HookSettings(secret=secret)
    assert "whsec_ and then 24 to 64 bytes" in str(raised.value.errors()[0]["msg"])
    HookSettings(secret="whsec_" + base64.b64encode(bytes(24)).decode())


def test_events_go_to_the_address_of_all_or_to_their_own() -> None:
    settings = HookSettings(
        url=URL, urls={"publish_done": URL + "/done", "play": "", "connect": URL}
    )
    assert settings.url_of("stream_up") == URL
    assert settings.url_of("publish_done") == URL + "/done"
    assert settings.url_of("play") == ""
    assert settings.url_of("connect") == URL
    assert settings.url_of("disconnect") == ""


def test_what_strangers_can_cause_is_told_only_where_it_is_asked_for() -> None:
    settings = HookSettings(url=URL)
    told = [name for name in ("connect", "disconnect", "refused") if settings.url_of(name)]
    assert told == []


@pytest.mark.parametrize("form", ["nginx-rtmp", "srs"])
def test_other_servers_tell_by_asking(form: str) -> None:
    settings = HookSettings.model_validate({"form": form, "url": URL, "ask_publish": URL})
    assert settings.url_of("publish") == ""
    assert settings.url_of("play") == URL
    assert HookSettings(url=URL, ask_publish=URL).url_of("publish") == URL


def test_a_bad_placeholder_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="unknown placeholder"):
        HookSettings(commands={"publish": [["/bin/true", "{password}"]]})


def test_a_mistake_in_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "slipstream.toml"
    path.write_text(
        '[hooks]\nurl = "nowhere"\n\n[apps.a.hooks]\ncommands.play = [["/bin/true", "{x}"]]\n'
    )
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    first, second = str(raised.value).splitlines()
    assert f"{path}:2: hooks.url: must be an address" in first
    assert f"{path}:5: apps.a.hooks.commands: unknown placeholder {{x}}" in second


def test_an_application_changes_what_it_sets_and_nothing_else() -> None:
    config = Config.model_validate(
        {"hooks": {"url": URL, "form": "srs"}, "apps": {"a": {"hooks": {"form": "json"}}}}
    )
    assert config.hook_settings("a/x").form == "json"
    assert config.hook_settings("a/x").url == URL
    assert config.hook_settings("b/x") == config.hooks
