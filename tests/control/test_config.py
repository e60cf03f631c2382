"""The configuration: what it joins, what goes over what, and every mistake at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from slipstream.control.configuration.config import Config, Flag, load_config
from slipstream.control.configuration.mistakes import ConfigError
from slipstream.control.configuration.settings import check_workers, cores

Write = Callable[[str], Path]
PUBLISH = "must be 'anonymous', 'key', 'token', 'signed', 'user' or 'hook' or a valid list"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "slipstream.toml"
        path.write_text(text)
        return path

    return write


def mistakes(path: Path, *flags: Flag) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, flags)
    return [line.removeprefix(str(path)) for line in str(caught.value).splitlines()]


def test_without_a_file_everything_has_its_default() -> None:
    config = load_config()
    assert config == Config()
    assert (config.server.rtmp, config.server.http) == (":1935", ":8080")
    assert config.access.publish == "key"
    assert config.net.pump_interval == "auto"


def test_the_data_folder_is_where_the_user_keeps_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert Config().server.data_dir == Path("/home/ann/.local/state/slipstream")
    monkeypatch.setenv("XDG_STATE_HOME", "/var/lib/ann")
    assert Config().server.data_dir == Path("/var/lib/ann/slipstream")


def test_a_file_sets_what_it_names_and_leaves_the_rest(write: Write) -> None:
    config = load_config(write('[server]\nhttp = "127.0.0.1:80"\n[streams]\ngrace_s = 3\n'))
    assert config.server.http == "127.0.0.1:80"
    assert config.server.rtmp == ":1935"
    assert config.streams.grace_s == 3
    assert config.streams.wait_s == 10


def test_flags_go_over_the_file(write: Write) -> None:
    path = write('[server]\nhttp = ":1"\nrtmp = ":2"\n')
    config = load_config(path, [Flag("--http", "server", "http", ":3")])
    assert (config.server.http, config.server.rtmp) == (":3", ":2")


def test_an_application_sets_some_values_anew_for_its_own_streams(write: Write) -> None:
    config = load_config(
        write("""
            [streams]
            grace_s = 1
            wait_s = 2
            [apps.school]
            streams.grace_s = 3
            access.publish = "anonymous"
        """)
    )
    assert config.stream_settings("live/a").grace_s == 1
    assert config.stream_settings("school/a/b").grace_s == 3
    assert config.stream_settings("school/a").wait_s == 2
    assert config.access_settings("school/a").publish == "anonymous"
    assert config.access_settings("schools/a").publish == "key"


def test_an_application_may_return_to_a_default(write: Write) -> None:
    config = load_config(
        write('[access]\npublish = "anonymous"\n[apps.safe.access]\npublish = "key"\n')
    )
    assert config.access_settings("safe/a").publish == "key"
    assert config.access_settings("live/a").publish == "anonymous"


def test_all_mistakes_are_told_at_once_with_line_key_and_reason(write: Write) -> None:
    path = write("""\
[server]
rtmp = "nowhere"
data_folder = "/x"
workers = 0

[net]
pump_interval = "fast"

[stream]
x = 1

[streams]
grace_s = -1
keep_ms = "10"

[access]
publish = true

[apps."a/b".streams]
grace_s = 1

[apps.live]
access.publish = "no"
y = 1
""")
    assert mistakes(path) == [
        ":2: server.rtmp: 'nowhere' is no address: expected HOST:PORT, :PORT or PORT",
        ":3: server.data_folder: unknown key, did you mean data_dir?",
        ":4: server.workers: must be 'auto' or greater than or equal to 1, not 0",
        ":7: net.pump_interval: must be 'auto' or a valid number, not \"fast\"",
        ":9: stream: unknown key, did you mean streams?",
        ":13: streams.grace_s: must be greater than or equal to 0, not -1",
        ':14: streams.keep_ms: must be a valid integer, not "10"',
        f":17: access.publish: {PUBLISH}, not true",
        ":19: apps.\"a/b\": must be the first part of the streams' names, without '/'",
        f':23: apps.live.access.publish: {PUBLISH}, not "no"',
        ":24: apps.live.y: unknown key",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("server = 3", ":1: server: must be a table, not 3"),
        ("apps = []", ":1: apps: must be a table, not a list"),
        ("[apps.live]\naccess = 3", ":2: apps.live.access: must be a table, not 3"),
        ("server.rtmp.x = 1", ":1: server.rtmp: must be a valid string, not a table"),
        ("a = [\n", ": is not TOML: Invalid value (at end of document)"),
        ("a = 1\na = 2\n", ":2: is not TOML: Cannot overwrite a value (at line 2, column 6)"),
        ("a = " + "[" * 5000, ": is nested too deeply"),
        ("a = " + "1" * 5000, ": has a number of thousands of digits"),
        (
            "streams.grace_s = 0x" + "f" * 5000,
            ":1: streams.grace_s: must be a valid number, not a number of thousands of digits",
        ),
        ("#" * (1 << 20) + "#", ": more than 1048576 bytes"),
        (
            '[apps.".x"]',
            ":1: apps.\".x\": the name '.x'/'x' is not allowed: letters, digits, '_', '-' and '.', "
            "1 to 64 in each of at most 4 parts, no leading '.'",
        ),
    ],
)
def test_what_is_no_configuration_is_told(write: Write, text: str, told: str) -> None:
    assert mistakes(write(text)) == [told]


def test_many_mistakes_take_little_longer_than_one(write: Write) -> None:
    told = mistakes(write("".join(f"a{number} = 1\n" for number in range(5_000))))
    assert told[4_999] == ":5000: a4999: unknown key"  # in minutes, if each read the file anew


def test_a_file_that_is_no_text_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"# fine\n# \xff\n")
    assert mistakes(path) == [":2: is not UTF-8 text"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert mistakes(tmp_path / "x.toml") == [": cannot be read: No such file or directory"]


def test_a_mistake_in_a_flag_is_the_flags(write: Write) -> None:
    path = write('[server]\nhttp = "x"\n')
    told = mistakes(path, Flag("--http", "server", "http", "y"))
    assert told == ["--http: server.http: 'y' is no address: expected HOST:PORT, :PORT or PORT"]


def test_there_is_a_worker_for_each_core_unless_a_number_is_set() -> None:
    cores = len(os.sched_getaffinity(0)) if sys.platform.startswith("linux") else 1
    assert Config().server.worker_count == cores
    assert Config.model_validate({"server": {"workers": 1}}).server.worker_count == 1


def test_several_workers_are_refused_where_they_cannot_be() -> None:
    assert check_workers(8, "linux") == 8
    assert check_workers(1, "darwin") == 1
    assert cores("darwin") == 1
    with pytest.raises(PydanticCustomError, match="must be 1 on this system"):
        check_workers(2, "darwin")


def test_a_home_folder_that_nobody_knows_is_told(write: Write) -> None:
    path = write('[server]\ndata_dir = "~nobody-has-this-name/x"\n')
    assert mistakes(path) == [
        ":2: server.data_dir: no home folder is known for '~': give a whole path"
    ]


SECTIONS = st.sampled_from(["server", "net", "streams", "access", "log", "apps", "apps.live", "x"])
KEYS = st.sampled_from(["rtmp", "grace_s", "publish", "level", "pump_interval", "streams", "é"])
VALUES = st.one_of(st.integers(), st.floats(), st.text(max_size=5), st.booleans())


@given(st.lists(st.tuples(SECTIONS, KEYS, VALUES), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_table_is_a_configuration_or_told(
    tmp_path: Path, lines: list[tuple[str, str, object]]
) -> None:
    text = "".join(f"[{section}]\n{key} = {value!r}\n" for section, key, value in lines)
    load_or_refuse(tmp_path, text.encode(errors="surrogateescape"))


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_bytes_are_a_configuration_or_told(tmp_path: Path, data: bytes) -> None:
    load_or_refuse(tmp_path, data)


def load_or_refuse(folder: Path, data: bytes) -> None:
    path = folder / "any.toml"
    path.write_bytes(data)
    with suppress(ConfigError):
        load_config(path)
