"""The guide to the tools: its commands are commands, and it leaves none of their flags out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from slipstream.cli import app

GUIDE = (Path(__file__).parents[2] / "docs/guides/tools.md").read_text()
COMMANDS = re.findall(r"^slipstream (.*?)(?: \|.*)?$", GUIDE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_the_guide_can_be_given(command: str) -> None:
    app.parse_args(shlex.split(command), exit_on_error=False, print_error=False)


def test_every_tool_has_examples() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"demo", "publish", "play", "probe"}


@pytest.mark.parametrize("tool", ["demo", "publish", "play", "probe"])
def test_every_flag_is_in_the_guide(tool: str) -> None:
    arguments = app[tool].assemble_argument_collection()
    flags = {name for argument in arguments for name in argument.names if name.startswith("--")}
    missing = {flag for flag in flags if flag not in GUIDE}
    assert not missing
