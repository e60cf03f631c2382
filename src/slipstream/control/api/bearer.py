"""Who may use the API: whoever shows a token, `Authorization: Bearer <token>` (RFC 6750).

Wrong tokens are counted by address as wrong publishing keys are, so that they cannot be guessed
either. All workers know of one before it is answered.
"""

from __future__ import annotations

from asyncio import get_running_loop

import structlog
from aiohttp import web

from slipstream.access import Failures, Operators, Role
from slipstream.control.api.problems import ProblemError
from slipstream.http.access import peer_address
from slipstream.workers.peers import Peers

log = structlog.get_logger()

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="slipstream"'}


class Bearer:
    """Ask `check()` before each answer.

    Args:
        tokens: the right ones.
        peers: the other workers.
        worker: the number of this one.
    """

    def __init__(self, tokens: Operators, peers: Peers, worker: int) -> None:
        self.failures = Failures()
        self._tokens = tokens
        self._peers = peers
        self._worker = worker
        peers.answer_with("wrong_token", self._note_others)

    async def check(self, request: web.Request, needed: Role) -> None:
        """Return if the token is good for what is asked.

        Raises:
            ProblemError: it is not.
        """
        token = _token(request)
        if token is None:
            raise ProblemError(
                401, "this needs the header 'Authorization: Bearer TOKEN'", CHALLENGE
            )
        address, now = peer_address(request), get_running_loop().time()
        if self.failures.is_blocked(address, now):
            raise ProblemError(
                429, "too many wrong tokens from this address", {"Retry-After": "10"}
            )
        role = self._tokens.role_of(token)
        if role is None:
            self.failures.note(address, now)
            log.warning("api.refused", address=address, path=request.path, reason="wrong token")
            await self._peers.ask_all("wrong_token", address=address, worker=self._worker)
            raise ProblemError(401, "the token is wrong", CHALLENGE)
        if not role.covers(needed):
            raise ProblemError(403, f"this needs the role '{needed}', the token has '{role}'")

    def is_good(self, request: web.Request, needed: Role) -> bool:
        """Whether the token of a request is good for it still."""
        role = self._tokens.role_of(_token(request) or "")
        return role is not None and role.covers(needed)

    def _note_others(self, address: str, worker: int) -> None:
        if worker != self._worker:
            self.failures.note_elsewhere(address, get_running_loop().time())


def _token(request: web.Request) -> str | None:
    """What is shown; None if nothing is."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
