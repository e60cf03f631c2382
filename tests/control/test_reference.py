"""The sample configuration and the reference pages say what the code does, all of it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from slipstream.cli import app
from slipstream.control.configuration.config import AppSettings, Config, load_config
from slipstream.control.configuration.live import FIXED
from slipstream.control.metrics.detail import APPS, STREAMS, Detail
from slipstream.control.metrics.metrics import METRICS, Metric
from tests.control.reference import Setting, sections, settings
from tests.control.stage import serving

PROJECT = Path(__file__).parents[2]
SAMPLE = PROJECT / "slipstream.sample.toml"
ALL_SETTINGS = [setting for section in sections() for setting in settings(section)]
ALL_METRICS: list[Metric | Detail] = [*METRICS, *APPS, *STREAMS]
GROUPS = {
    "keys": ("list", "add", "rotate", "disable", "enable", "remove"),
    "users": ("list", "add", "remove"),
    "operators": ("list", "add", "remove"),
    "token": ("make", "sign", "inspect"),
}
COMMANDS = [
    *("serve", "replace", "reload", "top", "check", "schema", "doctor"),
    *("demo", "publish", "play", "probe", "import"),
]


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


def test_the_page_names_what_waits_for_a_replacement() -> None:
    text = part(page("configuration"), "## Reloading")
    assert rows(text) == {f"{section}.{key}" for section, key in FIXED}


@pytest.mark.parametrize("metric", ALL_METRICS, ids=lambda metric: metric.name)
def test_the_page_explains_every_metric(metric: Metric | Detail) -> None:
    if isinstance(metric, Detail):
        labels = ", ".join(f"`{label}`" for label in metric.labels)
    else:
        labels = f"`{metric.label}`" if metric.label else ""
    row = f"| `{metric.full_name}` | {metric.type} | {labels} | {metric.help} |"
    assert row in page("metrics")


def test_the_page_has_no_metric_too_many() -> None:
    assert rows(page("metrics")) == {metric.full_name for metric in ALL_METRICS}


ROUTE_HEADING = r"^## ((GET|POST|PUT|PATCH|DELETE) (\S+))$"


async def test_the_page_explains_every_route_and_every_field() -> None:
    """A model's fields are explained where it comes first."""
    async with serving() as stage:
        document = stage.api.document
    operations = {
        (method.upper(), path): operation
        for path, those in document["paths"].items()
        for method, operation in those.items()
    }
    headings = re.findall(ROUTE_HEADING, page("api"), re.M)
    assert {(method, path) for _, method, path in headings} == set(operations)
    explained = {"Problem"}
    for heading, method, path in headings:
        operation = operations[method, path]
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        names -= set(re.findall(r"\{(\w+)\}", path))
        for model in models(operation, document):
            if model not in explained:
                explained.add(model)
                names |= set(document["components"]["schemas"][model].get("properties", ()))
        if path.startswith("/api/"):
            assert rows(part(page("api"), f"## {heading}")) == names, heading


def models(told: object, document: Mapping[str, Any]) -> Iterator[str]:
    """What an operation refers to, and what that refers to."""
    for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(told)):
        yield name
        yield from models(document["components"]["schemas"][name], document)


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
