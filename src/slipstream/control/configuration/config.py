"""The configuration: joins the settings that each part owns, from TOML, environment and flags.

Each section is a part's own strict model. `[apps.NAME]` sets values of `[streams]`, `[access]`,
`[slate]`, `[hooks]` and `[alerts]` anew for the streams whose names begin with `NAME/`. Nothing
unknown is accepted, and everything that is wrong is told at once. Flags go over the environment,
and that over the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NamedTuple, Self, TypeVar, Union, get_args, get_origin

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from slipstream.access import AccessSettings
from slipstream.control.alerts.settings import AlertSettings
from slipstream.control.configuration.contradictions import Contradiction, contradictions
from slipstream.control.configuration.environment import Variable, variables
from slipstream.control.configuration.mistakes import (
    ConfigError,
    Key,
    Mistake,
    explain,
    find_line,
    sets,
)
from slipstream.control.configuration.settings import LogSettings, ServerSettings
from slipstream.errors import BadNameError
from slipstream.hooks import HookSettings
from slipstream.hub import StreamSettings, stream_name
from slipstream.net.settings import NetSettings
from slipstream.page.settings import PageSettings
from slipstream.relays import RelaySettings
from slipstream.tls import TlsSettings
from slipstream.transcode.settings import SlateSettings

MAX_FILE_BYTES = 1 << 20
APP_DEPTH, DEPTH = 4, 2  # names in apps.NAME.section.key and in section.key
NOWHERE: Mapping[str, str] = {}  # no environment
_TOML_PLACE = re.compile(r"at line (\d+)")

Settings = TypeVar("Settings", bound=BaseModel)


class Flag(NamedTuple):
    """A setting from the command line."""

    name: str
    """As it was written, `--rtmp`."""
    section: str
    key: str
    value: object


class Encrypted(NamedTuple):
    """Where TLS is spoken; empty is nowhere."""

    rtmps: str
    https: str


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
    alerts: AlertSettings = Field(
        default_factory=AlertSettings, description="Values of [alerts] for this application."
    )
    hooks: HookSettings = Field(
        default_factory=HookSettings, description="Values of [hooks] for this application."
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
    tls: TlsSettings = Field(
        default_factory=TlsSettings,
        description="Certificates: with them there are RTMPS and HTTPS.",
    )
    streams: StreamSettings = Field(
        default_factory=StreamSettings, description="How streams are treated."
    )
    access: AccessSettings = Field(default_factory=AccessSettings, description="Who may do what.")
    slate: SlateSettings = Field(
        default_factory=SlateSettings,
        description="What viewers get while the publisher of their stream is away.",
    )
    alerts: AlertSettings = Field(
        default_factory=AlertSettings,
        description="When what a publisher sends is not as it should be.",
    )
    hooks: HookSettings = Field(
        default_factory=HookSettings,
        description="Who is told of what happens, who is asked who may, and what is run.",
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

    def encrypted(self) -> Encrypted:
        """Where TLS is spoken."""
        if not self.tls.is_on:
            return Encrypted("", "")
        return Encrypted(self.server.rtmps, self.server.https)

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

    def alert_settings(self, stream: str) -> AlertSettings:
        """When an alert is raised for a stream, by its name."""
        app = self.apps.get(stream.partition("/")[0])
        return self.alerts if app is None else _merged(self.alerts, app.alerts)

    def hook_settings(self, stream: str) -> HookSettings:
        """Who is told and asked about a stream, by its name; of the server as a whole by ""."""
        app = self.apps.get(stream.partition("/")[0])
        return self.hooks if app is None else _merged(self.hooks, app.hooks)

    def to_json(self) -> str:
        """All that is set, for another process."""
        return self.model_dump_json(exclude_unset=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json()` made.

        Raises:
            ConfigError: by another version, which knows other settings; or a file that it names
                has gone.
        """
        try:
            # Not the library's own reading of JSON: it takes no `Path` from our validators.
            return cls.model_validate(orjson.loads(text))
        except ValidationError as error:
            mistakes = _Source(None, "", {}).mistakes(error.errors(include_url=False))
            raise ConfigError(mistakes) from error


def load_config(
    path: Path | None = None,
    flags: Sequence[Flag] = (),
    environment: Mapping[str, str] = NOWHERE,
) -> Config:
    """Read the file, if there is one, and put the environment over it, and the flags over both.

    Raises:
        ConfigError: with everything that is wrong.
    """
    text = "" if path is None else _read(path)
    values = {} if path is None else _parse(path, text)
    over = [*variables(environment, _takes_text)]
    over += [Variable(flag.name, (flag.section, flag.key), flag.value) for flag in flags]
    for variable in over:
        _put(values, variable.key, variable.value)
    source = _Source(path, text, {variable.key: variable.name for variable in over})
    try:
        config = Config.model_validate(values, strict=True)
    except ValidationError as error:
        mistakes = source.mistakes(error.errors(include_url=False))
        with suppress(ValidationError):  # of a part that is wrong as a whole nothing more is told
            rest = Config.model_validate(_without(values, mistakes), strict=True)
            wrong = {mistake.key for mistake in mistakes}
            mistakes += [
                source.contradiction(found)
                for found in contradictions(rest)
                if wrong.isdisjoint(found.keys)
            ]
        raise ConfigError(sorted(mistakes, key=lambda mistake: mistake.line or 0)) from error
    if found := list(contradictions(config)):
        raise ConfigError([source.contradiction(one) for one in found])
    return config


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


class _Source(NamedTuple):
    """Where the values came from, to say where a mistake is."""

    path: Path | None
    text: str
    names: Mapping[Key, str]
    """Of flags and variables, by what they set."""

    def mistakes(self, errors: Sequence[ErrorDetails]) -> list[Mistake]:
        """One mistake per key."""
        reasons: dict[Key, list[str]] = {}
        for error in errors:
            key = _key(error)
            reasons.setdefault(key, []).append(explain(error, _known(key[:-1])))
        return [self._mistake(key, _join(those)) for key, those in reasons.items()]

    def contradiction(self, found: Contradiction) -> Mistake:
        """The mistake, at the first setting concerned that somebody has set."""
        keys = found.keys
        key = next((key for key in keys if self._name(key) or sets(self.text, key)), keys[0])
        return self._mistake(key, found.reason)

    def _mistake(self, key: Key, reason: str) -> Mistake:
        name = self._name(key)
        if name:
            return Mistake(name, reason, key)
        if self.path is None:
            return Mistake("", reason, key)
        return Mistake(str(self.path), reason, key, find_line(self.text, key))

    def _name(self, key: Key) -> str:
        """The flag or variable that has set something, or part of it that is not in the file."""
        if key in self.names or sets(self.text, key):
            return self.names.get(key, "")
        return next((name for set_, name in self.names.items() if set_[: len(key)] == key), "")


def _put(values: dict[str, Any], key: Key, value: object) -> None:
    """Set a value; where the file has no table for it, that is told to be wrong anyway."""
    *tables, last = key
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):
            return
    values[last] = value


def _without(values: dict[str, Any], mistakes: Sequence[Mistake]) -> dict[str, Any]:
    """The values that are no mistakes."""
    rest = deepcopy(values)
    for mistake in mistakes:
        *tables, last = mistake.key
        table: Any = rest
        for name in tables:
            table = table.get(name) if isinstance(table, dict) else None
        if isinstance(table, dict):
            table.pop(last, None)
    return rest


def _key(error: ErrorDetails) -> Key:
    """The setting that an error is about, without the branches of its type."""
    names = [str(name) for name in error["loc"] if name != "[key]"]
    return tuple(names[: APP_DEPTH if names[:1] == ["apps"] else DEPTH])


def _known(table: Key) -> Collection[str]:
    """The keys that may stand in a table."""
    model = _model(table)
    return () if model is None else model.model_fields


def _takes_text(key: Key) -> bool:
    """Whether the setting of a key may be any text."""
    model = _model(key[:-1])
    field = None if model is None else model.model_fields.get(key[-1])
    return field is not None and _is_text(field.annotation)


def _is_text(annotation: object) -> bool:
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return any(map(_is_text, get_args(annotation)))
    return isinstance(annotation, type) and issubclass(annotation, str | Path)


def _model(table: Key) -> type[BaseModel] | None:
    """What a table must be; None if there is no such table."""
    model: type[BaseModel] = Config
    if table[:1] == ("apps",):
        model, table = AppSettings, table[2:]
    for name in table:
        field = model.model_fields.get(name)
        annotation = None if field is None else field.annotation
        if not isinstance(annotation, type) or not issubclass(annotation, BaseModel):
            return None
        model = annotation
    return model


def _join(reasons: Sequence[str]) -> str:
    """A value of several possible types has a reason for each: 'must be A or B, not 1'."""
    *firsts, last = reasons
    if not firsts:
        return last
    must = "must be "
    choices = [first.removeprefix(must).rpartition(", not ")[0] for first in firsts]
    return must + " or ".join([*choices, last.removeprefix(must)])
