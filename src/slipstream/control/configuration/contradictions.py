"""Settings that are right each by itself, but not together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from slipstream.control.configuration.mistakes import Key
from slipstream.net.listener import parse_address

if TYPE_CHECKING:
    from slipstream.control.configuration.config import Config


class Contradiction(NamedTuple):
    """What does not go together."""

    keys: tuple[Key, ...]
    """The settings concerned, the one to be changed first."""
    reason: str


def contradictions(config: Config) -> Iterator[Contradiction]:
    """All there are in a configuration."""
    yield from _addresses(config)
    for app in ("", *config.apps):
        yield from _segments(config, app)
        yield from _slate(config, app)


def _addresses(config: Config) -> Iterator[Contradiction]:
    rtmp, http = parse_address(config.server.rtmp), parse_address(config.server.http)
    if rtmp == http and rtmp[1]:  # port 0 is another one each time
        keys = ("server", "http"), ("server", "rtmp")
        yield Contradiction(keys, f"is the address of server.rtmp as well: {config.server.http}")


def _segments(config: Config, app: str) -> Iterator[Contradiction]:
    settings = config.stream_settings(f"{app}/")
    if settings.part_ms > settings.segment_ms:
        keys = _keys(config, app, ("streams", "part_ms"), ("streams", "segment_ms"))
        reason = f"parts of {settings.part_ms} ms are longer than segments ({settings.segment_ms})"
        yield from _unless_inherited(app, keys, reason)


def _slate(config: Config, app: str) -> Iterator[Contradiction]:
    slate, streams = config.slate_settings(f"{app}/"), config.stream_settings(f"{app}/")
    if slate.source and slate.after_s >= streams.grace_s:
        keys = _keys(config, app, ("slate", "after_s"), ("streams", "grace_s"), ("slate", "source"))
        reason = (
            f"a slate after {slate.after_s:g} s is seen by nobody: "
            f"viewers stay for {streams.grace_s:g} s (streams.grace_s)"
        )
        yield from _unless_inherited(app, keys, reason)


def _keys(config: Config, app: str, *settings: tuple[str, str]) -> tuple[Key, ...]:
    """Where each of these settings comes from: from the application, or from all."""
    keys: list[Key] = []
    for section, key in settings:
        own = app and key in getattr(config.apps[app], section).model_fields_set
        keys.append(("apps", app, section, key) if own else (section, key))
    return tuple(keys)


def _unless_inherited(app: str, keys: tuple[Key, ...], reason: str) -> Iterator[Contradiction]:
    """A contradiction that an application has from all others is theirs."""
    own = tuple(key for key in keys if key[0] == "apps")
    if own or not app:
        yield Contradiction(own + tuple(key for key in keys if key not in own), reason)
