"""What several commands have in common: options, and the configuration they read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from slipstream.control.configuration.config import Config

FAILED = 1


def option(metavar: str, text: str) -> Parameter:
    """An option with a value."""
    return Parameter(metavar=metavar, help=text)


def switch(text: str, *names: str) -> Parameter:
    """An option that is there or not."""
    return Parameter(name=names or None, negative="", show_default=False, help=text)


ConfigFile = Annotated[
    Path | None,
    option("FILE", "Configuration file in TOML; `slipstream.sample.toml` explains every setting."),
]
Rtmp = Annotated[
    str | None,
    option("ADDR", "Where RTMP is spoken: HOST:PORT, or :PORT on all addresses. Usually :1935."),
]
Http = Annotated[
    str | None,
    option("ADDR", "Where HTTP is spoken: HTTP-FLV, API, metrics. Usually :8080."),
]
ServerDir = Annotated[
    Path | None, option("DIR", "The server's data folder. Usually ~/.local/state/slipstream.")
]
AsJson = Annotated[bool, switch("Print JSON instead of a table.", "--json")]


def read_config(
    file: Path | None,
    *given: tuple[str, str, str, object],
    environment: Mapping[str, str] | None = None,
) -> Config:
    """The configuration: the file, over it the environment, over both the flags that were given."""
    from slipstream.control.configuration.config import Flag, load_config

    flags = [Flag(*flag) for flag in given]
    return load_config(file, [flag for flag in flags if flag.value is not None], environment or {})
