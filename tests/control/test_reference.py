"""The sample configuration and the reference pages say what the code does, all of it."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from slipstream.cli import app
from slipstream.control.config import AppSettings, Config, load_config
from slipstream.control.metrics import METRICS, Metric
from slipstream.control.server_report import ServerReport, WorkerReport
from slipstream.control.stream_report import (
    FormatReport,
    PublisherReport,
    StreamReport,
    StreamsReport,
    SwitchReport,
    TrackReport,
    ViewerReport,
    WatchedStreamReport,
)
from slipstream.media import CodecInfo, Repairs
from tests.control.reference import Setting, sections, settings
from tests.control.stage import serving

PROJECT = Path(__file__).parents[2]
SAMPLE = PROJECT / "slipstream.sample.toml"
ALL_SETTINGS = [setting for section in sections() for setting in settings(section)]
GROUPS = {
    "keys": ("list", "add", "rotate", "disable", "enable", "remove"),
    "users": ("list", "add", "remove"),
    "token": ("make", "sign", "inspect"),
}
COMMANDS = ["serve", "replace", "check", "demo", "publish", "play", "probe"]


def page(name: str) -> str:
    return (PROJECT / "docs" / "reference" / f"{name}.md").read_text()


def part(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its rank."""
    rank = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^{rank} |\Z)", text, re.M | re.S)
    assert found, f"the heading {heading!r} is missing"
    return found[1]


def rows(text: str) -> set[str]:
    """What the tables explain: the first column."""
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.M))


@pytest.mark.parametrize("setting", ALL_SETTINGS, ids=lambda s: f"{s.section}.{s.key}")
def test_the_sample_and_the_page_explain_every_setting(setting: Setting) -> None:
    in_sample = SAMPLE.read_text().partition(f"[{setting.section}]\n")[2].partition("\n[")[0]
    assert f"\n{setting.sample()}" in in_sample
    assert setting.row() in part(page("configuration"), f"## [{setting.section}]")


def test_the_sample_sets_every_setting_and_nothing_else() -> None:
    set_there = {
        (section, key)
        for section, values in tomllib.loads(SAMPLE.read_text()).items()
        for key in values
    }
    assert set_there == {(setting.section, setting.key) for setting in ALL_SETTINGS}


def test_the_sample_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert load_config(SAMPLE) == Config()


def test_what_the_sample_shows_in_comments_can_be_used(tmp_path: Path) -> None:
    text = SAMPLE.read_text()
    start = text.index("# [apps.school]")
    path = tmp_path / "apps.toml"
    path.write_text(text[start:].replace("# ", ""))
    config = load_config(path)
    assert config.access_settings("school/a").publish == "anonymous"
    assert config.stream_settings("school/a").max_viewers == 500


def test_the_page_names_what_an_application_may_set() -> None:
    text = part(page("configuration"), "## [apps.NAME]")
    assert all(f"`[{section}]`" in text for section in AppSettings.model_fields)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_page_explains_every_metric(metric: Metric) -> None:
    label = f"`{metric.label}`" if metric.label else ""
    row = f"| `{metric.full_name}` | {metric.type} | {label} | {metric.help} |"
    assert row in page("metrics")


def test_the_page_has_no_metric_too_many() -> None:
    assert rows(page("metrics")) == {metric.full_name for metric in METRICS}


async def test_the_page_has_a_heading_for_every_route() -> None:
    async with serving() as stage:
        routes = {
            (route.method, route.resource.canonical)
            for route in stage.app.router.routes()
            if route.resource and route.method != "HEAD"
        }
    headings = set(re.findall(r"^## (GET|POST) (\S+)$", page("api"), re.M))
    assert headings == routes


@pytest.mark.parametrize(
    ("heading", "reports"),
    [
        ("## GET /api/v1/server", [ServerReport, WorkerReport]),
        (
            "## GET /api/v1/streams",
            [
                *(StreamsReport, StreamReport, PublisherReport, TrackReport),
                *(CodecInfo, FormatReport, Repairs),
            ],
        ),
        ("## GET /api/v1/streams/{stream}", [WatchedStreamReport, ViewerReport]),
        ("## POST /api/v1/streams/{stream}/switch", [SwitchReport]),
    ],
)
def test_the_page_explains_every_field(heading: str, reports: list[type]) -> None:
    fields = {field.name for report in reports for field in dataclasses.fields(report)}
    assert rows(part(page("api"), heading)) == fields


@pytest.mark.parametrize(
    "command", [*COMMANDS, *(f"{group} {name}" for group in GROUPS for name in GROUPS[group])]
)
def test_the_page_explains_every_flag_as_the_help_does(command: str) -> None:
    sub = app
    for name in command.split():
        sub = sub[name]
    text = part(page("cli"), f"## slipstream {command}")
    arguments = sub.assemble_argument_collection()
    assert rows(text) == {name for argument in arguments for name in argument.names}
    for argument in arguments:
        row = f"| {argument.name} | {argument.parameter.help} |"
        assert row.replace("`", "") in text.replace("`", "")


def test_the_page_explains_every_command() -> None:
    assert set(app) - {"--help", "-h", "--version"} == {*COMMANDS, *GROUPS}
    for group, names in GROUPS.items():
        assert set(app[group]) - {"--help", "-h", "--version"} == set(names)
