"""Who may use the API: whoever shows the API token, `Authorization: Bearer <token>` (RFC 6750).

Wrong tokens are counted by address as wrong publishing keys are, so that they cannot be
guessed either.
"""

from __future__ import annotations

import hmac

import structlog
from aiohttp import web

from slipstream.access import Failures
from slipstream.control.problems import problem
from slipstream.net.listener import plain_address

log = structlog.get_logger()

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="slipstream"'}


class Bearer:
    """Ask `refusal()` before each answer.

    Args:
        token: the right one.
    """

    def __init__(self, token: str) -> None:
        self.failures = Failures()
        self._token = token.encode()

    def refusal(self, request: web.Request, now: float) -> web.Response | None:
        """What to answer instead; None if the token is right."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return problem(401, "this needs the header 'Authorization: Bearer TOKEN'", CHALLENGE)
        address = plain_address(request.remote or "")
        if self.failures.is_blocked(address, now):
            return problem(429, "too many wrong tokens from this address", {"Retry-After": "10"})
        if hmac.compare_digest(token.strip().encode(errors="backslashreplace"), self._token):
            return None
        self.failures.note(address, now)
        log.warning("api.refused", address=address, path=request.path, reason="wrong token")
        return problem(401, "the token is wrong", CHALLENGE)
