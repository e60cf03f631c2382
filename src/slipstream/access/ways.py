"""What a way of being let in is, and what it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs

from slipstream.access.request import Decision, Grant, Request
from slipstream.access.settings import AccessSettings

MAX_PARAMETERS = 32  # of a query; encoders send one or two

Parameters = Mapping[str, Sequence[str]]


class Shown(NamedTuple):
    """What somebody shows at the gate."""

    request: Request
    parameters: Parameters
    """Of the query, decoded; each different value once."""
    settings: AccessSettings
    """Of the application."""
    time: float
    """Seconds since 1970, for what expires."""

    def one(self, name: str) -> str:
        """The value of a parameter; empty without one, or with several different ones."""
        values = self.parameters.get(name, ())
        return values[0] if len(values) == 1 else ""

    @property
    def token(self) -> str:
        """The one token, wherever it is; empty without one, or with several different ones."""
        shown = {*self.parameters.get("token", ()), self.request.bearer} - {""}
        return shown.pop() if len(shown) == 1 else ""


class Way(Protocol):
    """A kind of credential."""

    def is_shown(self, shown: Shown) -> bool:
        """Whether somebody shows one at all."""

    def check(self, shown: Shown) -> Decision:
        """Whether the one that is shown is good."""

    def revoked(self, grant: Grant, time: float) -> str:
        """Why what was good before has been taken back; empty if it has not.

        Args:
            grant: of this way.
            time: seconds since 1970.
        """


def refusal(reason: str) -> Decision:
    """No, though the credential is genuine: it has expired, or is for something else."""
    return Decision(allowed=False, reason=reason)


def wrong(reason: str) -> Decision:
    """No, and it counts as a guess."""
    return Decision(allowed=False, reason=reason, guess=True)


def parameters(query: str) -> Parameters:
    """The parameters of a query; none if there are too many."""
    if not query:
        return {}
    try:
        read = parse_qs(query, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return {}
    return {name: list(dict.fromkeys(values)) for name, values in read.items()}


def matches(pattern: str, text: str) -> bool:
    """Whether a name is as a pattern says, in which `*` is any characters, also none."""
    first, *others = pattern.split("*")
    if not others:
        return pattern == text
    if not text.startswith(first):
        return False
    *middle, last = others
    at = len(first)
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - len(last) >= at and text.endswith(last)


def app_and_name(stream: str) -> tuple[str, str]:
    """The two parts of a stream's name: `live` and `cam`; the settings go by the first."""
    app, _, name = stream.partition("/")
    return app, name
