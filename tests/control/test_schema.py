"""The JSON Schema for editors."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from slipstream.cli import main
from slipstream.control.configuration.config import Config

SAMPLE = Path(__file__).parents[2] / "slipstream.sample.toml"


@pytest.fixture
def validator(capsys: pytest.CaptureFixture[str]) -> Draft202012Validator:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_sample_conforms_to_it(validator: Draft202012Validator) -> None:
    text = SAMPLE.read_text()
    apps = text[text.index("# [apps.school]") :].replace("# ", "")
    validator.validate(tomllib.loads(text))
    validator.validate(tomllib.loads(apps))


@pytest.mark.parametrize(
    "values",
    [
        {"servr": {}},
        {"server": {"rtpm": ":1"}},
        {"streams": {"grace_s": -1}},
        {"streams": {"grace_s": "1"}},
        {"access": {"publish": "no"}},
        {"apps": {"a": {"server": {}}}},
    ],
)
def test_mistakes_do_not(validator: Draft202012Validator, values: dict[str, Any]) -> None:
    assert not validator.is_valid(values)


def test_every_setting_is_explained(validator: Draft202012Validator) -> None:
    schema = validator.schema
    assert schema["properties"].keys() == Config.model_fields.keys()
    for name in schema["properties"].keys() - {"apps"}:
        model = schema["$defs"][schema["properties"][name]["$ref"].rpartition("/")[2]]
        assert all(setting["description"] for setting in model["properties"].values())
