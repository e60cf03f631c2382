"""Who may use the API: whoever shows the API token, `Authorization: Bearer <token>` (RFC 6750).

Wrong tokens are counted by address as wrong publishing keys are, so that they cannot be guessed
either. All workers know of one before it is answered.
"""

from __future__ import annotations

import hmac
from asyncio import get_running_loop

import structlog
from aiohttp import web

from slipstream.access import Failures
from slipstream.control.problems import problem
from slipstream.net.listener import plain_address
from slipstream.workers.peers import Peers

log = structlog.get_logger()

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="slipstream"'}


class Bearer:
    """Ask `refusal()` before each answer.

    Args:
        token: the right one.
        peers: the other workers.
        worker: the number of this one.
    """

    def __init__(self, token: str, peers: Peers, worker: int) -> None:
        self.failures = Failures()
        self._token = token.encode()
        self._peers = peers
        self._worker = worker
        peers.answer_with("wrong_token", self._note_others)

    async def refusal(self, request: web.Request) -> web.Response | None:
        """What to answer instead; None if the token is right."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return problem(401, "this needs the header 'Authorization: Bearer TOKEN'", CHALLENGE)
        address, now = plain_address(request.remote or ""), get_running_loop().time()
        if self.failures.is_blocked(address, now):
            return problem(429, "too many wrong tokens from this address", {"Retry-After": "10"})
        if hmac.compare_digest(token.strip().encode(errors="backslashreplace"), self._token):
            return None
        self.failures.note(address, now)
        log.warning("api.refused", address=address, path=request.path, reason="wrong token")
        await self._peers.ask_all("wrong_token", address=address, worker=self._worker)
        return problem(401, "the token is wrong", CHALLENGE)

    def _note_others(self, address: str, worker: int) -> None:
        if worker != self._worker:
            self.failures.note_elsewhere(address, get_running_loop().time())
