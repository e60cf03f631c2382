"""Reloading the configuration: read and checked as a whole, then put in force, or refused.

The log has one line `config.applied` with what has changed, or `config.refused` for each mistake.
What a reload came to travels between workers and their supervisor as JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import structlog

from slipstream.control.configuration.config import Config
from slipstream.control.configuration.live import LiveConfig
from slipstream.control.configuration.mistakes import ConfigError, Mistake

log = structlog.get_logger()

LoadConfig = Callable[[], Config]


@dataclass(frozen=True, slots=True)
class MistakeReport:
    """One thing that is wrong with a configuration, as `slipstream check` tells it."""

    place: str
    """The file, the variable of the environment, or the flag."""
    line: int | None
    """Of the file."""
    key: str
    """As `section.key`; empty if it is about the file as a whole."""
    reason: str


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """What a reload came to: it was applied, or there are mistakes."""

    changed: list[str] = field(default_factory=list)
    """Settings that are in force now and were not before, as `section.key`."""
    pending: list[str] = field(default_factory=list)
    """Settings that take effect after `slipstream replace`."""
    mistakes: list[MistakeReport] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """What `to_json()` made."""
        mistakes = [MistakeReport(**mistake) for mistake in fields["mistakes"]]
        return cls(fields["changed"], fields["pending"], mistakes)


# None: nobody could be asked.
Reload = Callable[[], Awaitable[ReloadReport | None]]


async def no_reload() -> ReloadReport | None:
    """The `Reload` of a server whose configuration nobody can read again."""
    return None


def read(load: LoadConfig) -> Config | ConfigError:
    """Read a configuration; a mistake in it is a result like another."""
    try:
        return load()
    except ConfigError as error:
        return error


def settle(live: LiveConfig, result: Config | ConfigError) -> ReloadReport:
    """Put in force what was read, or refuse it."""
    if isinstance(result, ConfigError):
        for mistake in result.mistakes:
            log.warning("config.refused", mistake=str(mistake))
        return ReloadReport(mistakes=[_report(mistake) for mistake in result.mistakes])
    changed = live.apply(result)
    pending = {"after_replace": ", ".join(live.pending)} if live.pending else {}
    log.info("config.applied", changed=", ".join(changed) or "nothing", **pending)
    return ReloadReport(changed, live.pending)


class Reloading:
    """Reloads of a server of one process.

    Args:
        live: what is in force.
        load: reads the configuration.
    """

    def __init__(self, live: LiveConfig, load: LoadConfig) -> None:
        self._live = live
        self._load = load
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[ReloadReport | None]] = set()

    async def reload(self) -> ReloadReport | None:
        """Do it. The file is read and checked in a thread: media do not wait for that."""
        async with self._one_at_a_time:
            return settle(self._live, await asyncio.to_thread(read, self._load))

    def begin(self) -> None:
        """Do it soon: for a signal, whose sender does not wait."""
        task = asyncio.ensure_future(self.reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _report(mistake: Mistake) -> MistakeReport:
    return MistakeReport(mistake.place, mistake.line, mistake.name, mistake.reason)
