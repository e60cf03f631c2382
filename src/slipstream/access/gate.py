"""The gate: decides at once, from the request alone, whether it is allowed.

Publishing needs `key=...` in the query unless the application lets anybody publish; playing
is open. A wrong key, no key and too many wrong keys are one answer to the peer; the reason
is for the log. The gate does not know which streams exist, so it cannot tell on them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from urllib.parse import parse_qs

from slipstream.access.failures import Failures
from slipstream.access.request import Action, Decision, Request
from slipstream.access.settings import AccessSettings

MAX_PARAMETERS = 32  # of a query; encoders send one or two
CREDENTIAL_DIGITS = 12  # of the key's hash: enough to tell keys apart in a log

EVERYBODY = Decision(allowed=True)

AccessSettingsOf = Callable[[str], AccessSettings]


class Gate:
    """Call `decide()` for everyone who wants to publish or play.

    Args:
        settings_of: the settings of an application, by the stream's name.
        key: for publishing.
        failures: wrong keys so far.
    """

    def __init__(
        self, settings_of: AccessSettingsOf, key: str, failures: Failures | None = None
    ) -> None:
        self.failures = failures or Failures()
        self._key = key.encode()
        self._credential = f"key:{hashlib.sha256(self._key).hexdigest()[:CREDENTIAL_DIGITS]}"
        self._settings_of = settings_of

    def decide(self, request: Request, now: float) -> Decision:
        """Say yes or no.

        Args:
            request: who wants what.
            now: seconds on the monotonic clock.
        """
        if request.action is Action.PLAY:
            return EVERYBODY
        if self._settings_of(request.stream).publish == "anonymous":
            return Decision(allowed=True, credential=f"address:{request.address}")
        return self._ask_for_key(request, now)

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
