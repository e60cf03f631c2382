"""A rule: which streams are relayed, which way, with which server. Plain data, no I/O.

One rule may stand for many streams (`live/*`); each of them has a relay of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property

from slipstream.relays.settings import ANY, PLACES, PullSettings, PushSettings
from slipstream.rtmp import RtmpUrl, parse_rtmp_url

MASK = "***"
ID_DIGITS = 8  # of a hash: enough for the relays of one server


class RelayKind(StrEnum):
    """Which way."""

    PUSH = "push"
    PULL = "pull"


@dataclass(frozen=True)
class Rule:
    """The same rule has the same `id` in every worker, and after a restart.

    Args:
        kind: which way.
        stream: of which streams, `app/name`; may have a `*`.
        url: with which server; may have places for the stream's name. It may hold secrets.
        on_demand: of a pull: only while somebody watches.
        is_static: it stands in the configuration.
    """

    kind: RelayKind
    stream: str
    url: str
    on_demand: bool = False
    is_static: bool = False

    @classmethod
    def of(cls, settings: PushSettings, *, is_static: bool = False) -> Rule:
        """The rule that some settings describe."""
        if isinstance(settings, PullSettings):
            kind, on_demand = RelayKind.PULL, settings.on_demand
        else:
            kind, on_demand = RelayKind.PUSH, False
        return cls(kind, settings.stream, settings.url, on_demand, is_static)

    @property
    def values(self) -> dict[str, object]:
        """As `read_rule` reads them."""
        values: dict[str, object] = {"kind": self.kind, "stream": self.stream, "url": self.url}
        if self.kind is RelayKind.PULL:
            values["on_demand"] = self.on_demand
        return values

    @cached_property
    def id(self) -> str:
        """What it is called in the log and the API."""
        told = "\n".join((self.kind, self.stream, self.url)).encode()
        return f"{self.kind}-{hashlib.sha256(told).hexdigest()[:ID_DIGITS]}"

    def matches(self, stream: str) -> bool:
        """Whether it is for this stream."""
        return fnmatchcase(stream, self.stream) if ANY in self.stream else stream == self.stream

    def url_for(self, stream: str) -> RtmpUrl:
        """Where this stream is relayed to, or from."""
        return parse_rtmp_url(self._filled(stream))

    @cached_property
    def shown_url(self) -> str:
        """The URL as anybody may see it.

        Without user and query; and a push's name is masked, since platforms call a key so.
        """
        url = parse_rtmp_url(self.url)
        name = url.name.partition("?")[0]
        if self._name_is_secret:
            name = MASK
        plain = url._replace(app=url.app.partition("?")[0])
        return f"{plain.tc_url}/{name}" + (f"?{MASK}" if "?" in self.url else "")

    def hide(self, text: str) -> str:
        """What somebody else said, without what they may have repeated of our secrets."""
        url = parse_rtmp_url(self.url)
        name, _, query = url.name.partition("?")
        secrets = [query, url.app.partition("?")[2], url.password]
        if self._name_is_secret:
            secrets.append(name)
        for secret in filter(None, secrets):
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
        return text

    @property
    def _name_is_secret(self) -> bool:
        return self.kind is RelayKind.PUSH and not any(place in self.url for place in PLACES)

    def _filled(self, stream: str) -> str:
        app, _, name = stream.partition("/")
        return self.url.replace("{app}", app).replace("{name}", name)


def read_rule(values: Mapping[str, object]) -> Rule:
    """Read a rule: `kind`, and what `[[relays.push]]` or `[[relays.pull]]` have.

    Raises:
        ValueError: it is none; a `ValidationError` says of which setting.
    """
    if not isinstance(values, Mapping):
        raise ValueError("must be an object")  # noqa: TRY004 - all that is wrong is a ValueError
    rest = dict(values)
    kind = rest.pop("kind", None)
    if kind not in list(RelayKind):
        raise ValueError("'kind' must be 'push' or 'pull'")
    model = PushSettings if kind == RelayKind.PUSH else PullSettings
    return Rule.of(model.model_validate(rest, strict=True))
