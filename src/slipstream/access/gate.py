"""The gate: decides, from the request alone, whether it is allowed.

An application names ways in which somebody may be let in; each of them is enough. What the gate
can tell it tells at once. Where an application also asks others, and nothing else has decided,
the answer is "undecided": then `await ask()`. No credential, a wrong one and too many wrong ones
are one answer to the peer; the reason is for the log. The gate does not know which streams
exist, so it cannot tell on them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol
from urllib.parse import parse_qs

import structlog

from slipstream.access.failures import Failures
from slipstream.access.request import Action, Decision, Request
from slipstream.access.settings import AccessSettings
from slipstream.access.visits import Visits

log = structlog.get_logger()

MAX_PARAMETERS = 32  # of a query; encoders send one or two
CREDENTIAL_DIGITS = 12  # of a hash: enough to tell credentials apart in a log

EVERYBODY = Decision(allowed=True)
UNDECIDED = Decision(allowed=False, reason="others must be asked", undecided=True)

AccessSettingsOf = Callable[[str], AccessSettings]


class AskBackend(Protocol):
    """Asks others: somebody's own application, over HTTP."""

    async def ask(self, request: Request) -> Decision:
        """Return what they say; it never takes long, and never raises.

        An empty credential stands for the query: whoever shows the same may take over.
        """


class Gate:
    """Call `decide()` for everyone who wants to publish or play, and `ask()` if it cannot tell.

    Attributes:
        backend: who is asked; without one, whoever would need it is refused.

    Args:
        settings_of: the settings of an application, by the stream's name.
        key: for publishing.
        failures: wrong keys so far.
    """

    def __init__(
        self, settings_of: AccessSettingsOf, key: str, failures: Failures | None = None
    ) -> None:
        self.failures = failures or Failures()
        self.backend: AskBackend | None = None
        self._key = key.encode()
        self._credential = f"key:{_digest(key)}"
        self._settings_of = settings_of
        self._visits = Visits()

    def decide(self, request: Request, now: float) -> Decision:
        """Say yes or no, or that others must be asked.

        Args:
            request: who wants what.
            now: seconds on the monotonic clock.
        """
        ways = self._settings_of(request.stream).ways(request.action)
        if not ways:
            if request.action is Action.PLAY:
                return EVERYBODY
            return Decision(allowed=True, credential=f"address:{request.address}")
        if "hook" not in ways:
            return self._ask_for_key(request, now)
        answered = self._visits.answer(request, now)
        if answered is not None:
            return answered
        if self.failures.is_blocked(request.address, now):
            return Decision(allowed=False, reason="too many wrong keys from this address")
        return UNDECIDED

    async def ask(self, request: Request, now: float) -> Decision:
        """Ask others about a request that is undecided; arguments are those of `decide()`."""
        if self.backend is None:
            return Decision(allowed=False, reason="there is nobody to ask")
        try:
            decision = await self.backend.ask(request)
        except Exception:
            log.exception("access.bug")
            return Decision(allowed=False, reason="asking others failed")
        if not decision.allowed:
            return decision
        if not decision.credential:
            decision = replace(decision, credential=f"hook:{_digest(request.query)}")
        self._visits.note(request, decision, now)
        return decision

    def _ask_for_key(self, request: Request, now: float) -> Decision:
        keys = _keys(request.query)
        if not keys:
            return Decision(allowed=False, reason="no key")
        if self.failures.is_blocked(request.address, now):
            return Decision(allowed=False, reason="too many wrong keys from this address")
        # Two different keys would be two guesses for the price of one.
        if len(keys) == 1 and hmac.compare_digest(keys.pop(), self._key):
            return Decision(allowed=True, credential=self._credential)
        self.failures.note(request.address, now)
        return Decision(allowed=False, reason="wrong key")


def _keys(query: str) -> set[bytes]:
    """The different keys in a query."""
    try:
        values = parse_qs(query, max_num_fields=MAX_PARAMETERS).get("key", [])
    except ValueError:  # too many parameters
        return set()
    return {value.encode(errors="backslashreplace") for value in values}


def _digest(secret: str) -> str:
    data = secret.encode(errors="backslashreplace")
    return hashlib.sha256(data).hexdigest()[:CREDENTIAL_DIGITS]
