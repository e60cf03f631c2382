"""What the reference pages and the sample must say of the settings, made from the models.

`python -m tests.control.reference` prints both, to paste after a setting has changed.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from slipstream.control.configuration.config import Config

WIDTH = 98


class Setting(NamedTuple):
    """One setting of one section."""

    section: str
    key: str
    field: FieldInfo
    schema: Mapping[str, Any]

    @property
    def default(self) -> str:
        """As it stands in a file."""
        if self.key == "data_dir":  # depends on who runs it
            return '"~/.local/state/slipstream"'
        return json.dumps(self.field.default)

    @property
    def allowed(self) -> str:
        """Which values it may have."""
        choices = self.schema.get("anyOf") or self.schema.get("oneOf") or [self.schema]
        return " or ".join(map(_allowed, choices))

    def sample(self) -> str:
        """As it stands in the sample."""
        comment = textwrap.fill(
            str(self.field.description), WIDTH, initial_indent="# ", subsequent_indent="# "
        )
        return f"{comment}\n{self.key} = {self.default}\n"

    def row(self) -> str:
        """As it stands in the page."""
        return f"| `{self.key}` | `{self.default}` | {self.allowed} | {self.field.description} |"


def sections() -> dict[str, str]:
    """The sections that hold settings, and what each is about."""
    return {
        name: str(field.description)
        for name, field in Config.model_fields.items()
        if name != "apps"
    }


def settings(section: str) -> Iterator[Setting]:
    """The settings of a section."""
    model = Config.model_fields[section].annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    schema = model.model_json_schema()["properties"]
    for key, field in model.model_fields.items():
        yield Setting(section, key, field, schema[key])


def _allowed(schema: Mapping[str, Any]) -> str:
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if values:
        return " or ".join(f"`{json.dumps(value)}`" for value in values)
    if schema["type"] == "boolean":
        return "`true` or `false`"
    if schema["type"] == "string":
        return "text"
    words = [schema["type"]]
    if "minimum" in schema:
        words.append(f"from {schema['minimum']}")
    if "exclusiveMinimum" in schema:
        words.append(f"above {schema['exclusiveMinimum']}")
    if "maximum" in schema:
        words.append(f"to {schema['maximum']}")
    return " ".join(words)


def _print_all() -> None:
    for name, about in sections().items():
        sys.stdout.write(f"# {about}\n[{name}]\n\n")
        sys.stdout.write("\n".join(setting.sample() for setting in settings(name)) + "\n")
    for name, about in sections().items():
        sys.stdout.write(f"## [{name}]\n\n{about}\n\n| Setting | Default | Values | Meaning |\n")
        sys.stdout.write("|---|---|---|---|\n")
        sys.stdout.write("".join(f"{setting.row()}\n" for setting in settings(name)) + "\n")


if __name__ == "__main__":
    _print_all()
