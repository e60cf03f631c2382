"""The configuration: joins the settings that each part owns, from a TOML file and flags.

Each section is a part's own strict model. `[apps.NAME]` sets values of `[streams]`, `[access]`
and `[slate]` anew for the streams whose names begin with `NAME/`. Nothing unknown is accepted,
and everything that is wrong is told at once. Flags go over the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from slipstream.access import AccessSettings
from slipstream.control.mistakes import ConfigError, Key, Mistake, explain, find_line
from slipstream.control.settings import LogSettings, ServerSettings
from slipstream.errors import BadNameError
from slipstream.hub import StreamSettings, stream_name
from slipstream.net.settings import NetSettings
from slipstream.page.settings import PageSettings
from slipstream.relays import RelaySettings
from slipstream.transcode.settings import SlateSettings

MAX_FILE_BYTES = 1 << 20
APP_DEPTH, DEPTH = 4, 2  # names in apps.NAME.section.key and in section.key
_TOML_PLACE = re.compile(r"at line (\d+)")

Settings = TypeVar("Settings", bound=BaseModel)


class Flag(NamedTuple):
    """A setting from the command line."""

    name: str
    """As it was written, `--rtmp`."""
    section: str
    key: str
    value: object


class AppSettings(BaseModel):
    """What one application does otherwise than the rest; only what is set here counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    streams: StreamSettings = Field(
        default_factory=StreamSettings, description="Values of [streams] for this application."
    )
    access: AccessSettings = Field(
        default_factory=AccessSettings, description="Values of [access] for this application."
    )
    slate: SlateSettings = Field(
        default_factory=SlateSettings, description="Values of [slate] for this application."
    )


def _app_name(name: str) -> str:
    try:
        stream_name(name, "x")
    except BadNameError as error:
        raise PydanticCustomError("app", "{reason}", {"reason": str(error)}) from error
    if "/" in name:
        raise PydanticCustomError(
            "app", "must be the first part of the streams' names, without '/'"
        )
    return name


class Config(BaseModel):
    """All settings of a server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    server: ServerSettings = Field(
        default_factory=ServerSettings, description="The server as a whole."
    )
    net: NetSettings = Field(
        default_factory=NetSettings, description="Connections that carry media."
    )
    streams: StreamSettings = Field(
        default_factory=StreamSettings, description="How streams are treated."
    )
    access: AccessSettings = Field(default_factory=AccessSettings, description="Who may do what.")
    slate: SlateSettings = Field(
        default_factory=SlateSettings,
        description="What viewers get while the publisher of their stream is away.",
    )
    page: PageSettings = Field(
        default_factory=PageSettings,
        description="The page for people who watch in a browser.",
    )
    relays: RelaySettings = Field(
        default_factory=RelaySettings,
        description="Streams that are sent to other servers and fetched from them.",
    )
    log: LogSettings = Field(default_factory=LogSettings, description="The log, on standard error.")
    apps: dict[Annotated[str, AfterValidator(_app_name)], AppSettings] = Field(
        default_factory=dict, description="What single applications do otherwise."
    )

    def stream_settings(self, stream: str) -> StreamSettings:
        """The settings of a stream, by its name."""
        app = self.apps.get(stream.partition("/")[0])
        return self.streams if app is None else _merged(self.streams, app.streams)

    def access_settings(self, stream: str) -> AccessSettings:
        """Who may do what with a stream, by its name."""
        app = self.apps.get(stream.partition("/")[0])
        return self.access if app is None else _merged(self.access, app.access)

    def slate_settings(self, stream: str) -> SlateSettings:
        """What the viewers of a stream get while nobody publishes it, by its name."""
        app = self.apps.get(stream.partition("/")[0])
        return self.slate if app is None else _merged(self.slate, app.slate)


def load_config(path: Path | None = None, flags: Sequence[Flag] = ()) -> Config:
    """Read the file, if there is one, and put the flags over it.

    Raises:
        ConfigError: with everything that is wrong.
    """
    text = "" if path is None else _read(path)
    values = {} if path is None else _parse(path, text)
    for flag in flags:
        section = values.setdefault(flag.section, {})
        if isinstance(section, dict):
            section[flag.key] = flag.value
    try:
        return Config.model_validate(values, strict=True)
    except ValidationError as error:
        mistakes = _mistakes(error.errors(include_url=False), flags, path, text)
        raise ConfigError(mistakes) from error


def _merged(settings: Settings, over: Settings) -> Settings:
    return settings.model_copy(update={name: getattr(over, name) for name in over.model_fields_set})


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError([Mistake(str(path), f"cannot be read: {error.strerror}")]) from error
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError([Mistake(str(path), f"more than {MAX_FILE_BYTES} bytes")])
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([Mistake(str(path), "is not UTF-8 text", line=line)]) from error


def _parse(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        line = int(place[1]) if place else None
        raise ConfigError([Mistake(str(path), f"is not TOML: {error}", line=line)]) from error
    except ValueError as error:  # Python reads no number of more than 4300 digits
        raise ConfigError([Mistake(str(path), "has a number of thousands of digits")]) from error
    except RecursionError as error:
        raise ConfigError([Mistake(str(path), "is nested too deeply")]) from error


def _mistakes(
    errors: Sequence[ErrorDetails], flags: Sequence[Flag], path: Path | None, text: str
) -> list[Mistake]:
    """One mistake per key, in the order of the file."""
    flag_names: dict[Key, str] = {(flag.section, flag.key): flag.name for flag in flags}
    reasons: dict[Key, list[str]] = {}
    for error in errors:
        key = _key(error)
        reasons.setdefault(key, []).append(explain(error, _known(key[:-1])))
    mistakes = []
    for key, those in reasons.items():
        reason = _join(those)
        if key in flag_names:
            mistakes.append(Mistake(flag_names[key], reason, key))
        else:
            mistakes.append(Mistake(str(path), reason, key, find_line(text, key)))
    return sorted(mistakes, key=lambda mistake: mistake.line or 0)


def _key(error: ErrorDetails) -> Key:
    """The setting that an error is about, without the branches of its type."""
    names = [str(name) for name in error["loc"] if name != "[key]"]
    return tuple(names[: APP_DEPTH if names[:1] == ["apps"] else DEPTH])


def _known(table: Key) -> Collection[str]:
    """The keys that may stand in a table."""
    if table[:1] == ("apps",):
        return _fields(AppSettings, table[2:])
    return _fields(Config, table)


def _fields(model: type[BaseModel], table: Key) -> Collection[str]:
    for name in table:
        field = model.model_fields.get(name)
        if field is None or not isinstance(field.annotation, type):
            return ()
        model = field.annotation
    return model.model_fields


def _join(reasons: Sequence[str]) -> str:
    """A value of several possible types has a reason for each: 'must be A or B, not 1'."""
    *firsts, last = reasons
    if not firsts:
        return last
    must = "must be "
    choices = [first.removeprefix(must).rpartition(", not ")[0] for first in firsts]
    return must + " or ".join([*choices, last.removeprefix(must)])
