"""Settings from environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipstream.control.configuration.config import Config, Flag, load_config
from slipstream.control.configuration.mistakes import ConfigError


def load(*flags: Flag, path: Path | None = None, **environment: str) -> Config:
    return load_config(path, flags, environment)


def mistakes(path: Path | None = None, *flags: Flag, **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(*flags, path=path, **environment)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("SLIPSTREAM_SERVER__RTMP", "127.0.0.1:1935", "server.rtmp", "127.0.0.1:1935"),
        ("SLIPSTREAM_SERVER__HTTP", "8080", "server.http", "8080"),  # text, whatever it looks like
        ("SLIPSTREAM_SERVER__DATA_DIR", "/x y", "server.data_dir", Path("/x y")),
        ("SLIPSTREAM_SERVER__WORKERS", "2", "server.workers", 2),
        ("SLIPSTREAM_SERVER__WORKERS", "auto", "server.workers", "auto"),
        ("SLIPSTREAM_SERVER__OPEN_METRICS", "true", "server.open_metrics", True),
        ("SLIPSTREAM_STREAMS__GRACE_S", "1.5", "streams.grace_s", 1.5),
        ("SLIPSTREAM_STREAMS__ALWAYS", '["flv"]', "streams.always", ["flv"]),
        ("SLIPSTREAM_SLATE__TEXT", '"quoted"', "slate.text", '"quoted"'),
        ("SLIPSTREAM_SLATE__TEXT", "", "slate.text", ""),
    ],
)
def test_a_variable_is_what_its_setting_wants(
    name: str, text: str, key: str, value: object
) -> None:
    section, _, setting = key.partition(".")
    assert getattr(getattr(load(**{name: text}), section), setting) == value


def test_flags_go_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("[streams]\ngrace_s = 1\nwait_s = 1\nidle_s = 1\n")
    config = load(
        Flag("--grace", "streams", "grace_s", 3),
        path=path,
        SLIPSTREAM_STREAMS__GRACE_S="2",
        SLIPSTREAM_STREAMS__WAIT_S="2",
    )
    assert (config.streams.grace_s, config.streams.wait_s, config.streams.idle_s) == (3, 2, 1)


def test_an_application_is_named_as_it_stands() -> None:
    config = load(
        SLIPSTREAM_APPS__School__STREAMS__MAX_VIEWERS="5",
        SLIPSTREAM_APPS__SAFE__ACCESS__PUBLISH="anonymous",
    )
    assert config.stream_settings("School/a").max_viewers == 5
    assert config.access_settings("safe/a").publish == "anonymous"


def test_other_variables_are_none_of_ours() -> None:
    assert load(SLIPSTREAM_INHERIT="7", OTHER__X="1", SLIPSTREAM="1") == Config()


def test_a_mistake_names_the_variable(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("[streams]\ngrace_s = 1\n[net]\nx = 1\n")
    told = mistakes(
        path,
        SLIPSTREAM_STREAMS__GRACE_S="long",
        SLIPSTREAM_STREAMS__WAITS="1",
        SLIPSTREAM_STREM__X="1",
        SLIPSTREAM_SERVER="not ours",
        SLIPSTREAM_SERVER__WORKERS="1\nx = 2",
        SLIPSTREAM_LOG__LEVEL__X="1",
    )
    assert told[-1] == f"{path}:4: net.x: unknown key"
    assert set(told[:-1]) == {
        'SLIPSTREAM_STREAMS__GRACE_S: streams.grace_s: must be a valid number, not "long"',
        "SLIPSTREAM_STREAMS__WAITS: streams.waits: unknown key, did you mean wait_s?",
        "SLIPSTREAM_SERVER__WORKERS: server.workers: must be 'auto' or a valid integer, "
        'not "1\\nx = 2"',
        "SLIPSTREAM_LOG__LEVEL__X: log.level: must be 'debug', 'info', 'warning' or 'error', "
        "not a table",
        "SLIPSTREAM_STREM__X: strem: unknown key, did you mean streams?",
    }


def test_a_flag_over_a_variable_is_the_flags_mistake() -> None:
    flag = Flag("--rtmp", "server", "rtmp", "nowhere")
    assert mistakes(None, flag, SLIPSTREAM_SERVER__RTMP=":1") == [
        "--rtmp: server.rtmp: 'nowhere' is no address: expected HOST:PORT, :PORT or PORT"
    ]
