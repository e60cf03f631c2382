"""The configuration in force, which a reload changes while streams go on.

    live = LiveConfig(load_config(path))
    hub = Hub(live.reader(Config.stream_settings), ...)     # asks anew each time
    live.follow(lambda config: logs.change(config.log))     # is told at once
    live.apply(load_config(path))                           # the settings that have changed

Some settings cannot change while the server runs; what a file says of them otherwise is noted as
pending until `slipstream replace`, and what is in force stays in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from slipstream.control.configuration.config import Config

log = structlog.get_logger()

# Section and key of what holds from a worker's start to its end.
FIXED = (
    ("server", "rtmp"),
    ("server", "http"),
    ("server", "rtmps"),
    ("server", "https"),
    ("server", "data_dir"),
    ("server", "workers"),
    ("page", "enabled"),
    ("page", "console"),
)

Asked = ParamSpec("Asked")
Told = TypeVar("Told")


class LiveConfig:
    """Hand out its `reader()`s, `follow()` it, and `apply()` another configuration.

    Attributes:
        config: in force.
        pending: settings that were changed, but wait for `slipstream replace`.

    Args:
        config: to begin with.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.pending: list[str] = []
        self._followers: list[Callable[[Config], None]] = []

    def reader(self, read: Callable[Concatenate[Config, Asked], Told]) -> Callable[Asked, Told]:
        """A function that reads something of whatever is in force when it is called."""

        def now(*args: Asked.args, **kwargs: Asked.kwargs) -> Told:
            return read(self.config, *args, **kwargs)

        return now

    def follow(self, callback: Callable[[Config], None]) -> None:
        """Call back whenever another configuration is in force."""
        self._followers.append(callback)

    def apply(self, config: Config) -> list[str]:
        """Put a configuration in force; return the settings that are others now.

        Args:
            config: as it was read. What cannot change is left as it is, and noted as pending.
        """
        wanted, config = config, _fixed_as_in(self.config, config)
        self.pending = list(differences(config, wanted))
        changed = list(differences(self.config, config))
        if changed:
            self.config = config
            for callback in self._followers:
                try:
                    callback(config)
                except Exception:  # the others must be told, whatever a bug in one of them costs
                    log.exception("config.bug")
        return changed


def differences(one: Config, other: Config) -> Iterator[str]:
    """The settings in which two configurations differ, as `section.key`."""
    ours, theirs = dict(_settings(one)), dict(_settings(other))
    for name in {**ours, **theirs}:
        if name not in ours or name not in theirs or ours[name] != theirs[name]:
            yield name


def _settings(config: Config) -> Iterator[tuple[str, object]]:
    yield from _leaves(config.model_dump(exclude={"apps"}).items())
    # Of an application only what it sets counts, be it the default.
    yield from _leaves(config.model_dump(include={"apps"}, exclude_unset=True).items())


def _leaves(items: Iterable[tuple[str, object]], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in items:
        if isinstance(value, Mapping):
            yield from _leaves(value.items(), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _fixed_as_in(running: Config, config: Config) -> Config:
    """A configuration with the settings of another one where they cannot change."""
    sections: dict[str, dict[str, object]] = {}
    for section, key in FIXED:
        ours = getattr(getattr(running, section), key)
        if ours != getattr(getattr(config, section), key):
            sections.setdefault(section, {})[key] = ours
    return config.model_copy(
        update={
            section: getattr(config, section).model_copy(update=values)
            for section, values in sections.items()
        }
    )
