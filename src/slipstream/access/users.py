"""Users with passwords, for encoders that ask for both: OBS, FFmpeg, hardware.

A challenge is a text that proves itself: who it is for, until when, and a MAC. So whichever worker
made it, another can check the answer, and nothing is kept but those that were answered.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from slipstream.access.request import Decision, Grant
from slipstream.access.store import Store, StoredUser
from slipstream.access.ways import Shown, app_and_name, refusal
from slipstream.errors import SlipstreamError
from slipstream.rtmp.authentication import (
    Credentials,
    Scheme,
    adobe_challenge,
    adobe_hash,
    adobe_response,
    authentication_failed,
    limelight_challenge,
    limelight_hash,
    limelight_response,
    need_authentication,
    parse_credentials,
)

LIFE_S = 30
MAX_ANSWERED = 16_384  # challenges, 150 bytes each
ANY_APP = "*"
MAX_PASSWORD = 256
_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")  # nothing that a query would have to escape


class Introduction(NamedTuple):
    """What came of a client's `connect`."""

    user: str = ""
    """Who it has proved to be."""
    refusal: str = ""
    """What to turn it away with, so that it asks again and says more; empty: let it go on."""
    reason: str = ""
    """Why it was turned away, for the log; empty: it is asked, or let in."""


class Users:
    """The users of a store.

    Args:
        store: of the data folder.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self) -> Sequence[StoredUser]:
        """All of them, in the order in which they were added."""
        return self._store.read().users

    def find(self, name: str) -> StoredUser | None:
        """One, by name."""
        return next((user for user in self.list() if user.name == name), None)

    def put(self, name: str, password: str, app: str = ANY_APP) -> StoredUser:
        """Add a user, or give one another password.

        Raises:
            SlipstreamError: the name cannot be one, or the password is empty or too long.
        """
        if not _NAME.fullmatch(name):
            raise SlipstreamError("a user's name is 1 to 64 letters, digits, '_', '.', '@', '-'")
        if not 1 <= len(password) <= MAX_PASSWORD:
            raise SlipstreamError(f"a password is 1 to {MAX_PASSWORD} characters")
        salt = secrets.token_hex(8)
        user = StoredUser(
            name=name,
            app=app,
            salt=salt,
            adobe=adobe_hash(name, salt, password),
            limelight=limelight_hash(name, password),
            made=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._store.change() as states:
            others = tuple(one for one in states[-1].users if one.name != name)
            states.append(states[-1].model_copy(update={"users": (*others, user)}))
        return user

    def remove(self, name: str) -> None:
        """Forget a user.

        Raises:
            SlipstreamError: there is none of this name.
        """
        with self._store.change() as states:
            others = tuple(one for one in states[-1].users if one.name != name)
            if len(others) == len(states[-1].users):
                raise SlipstreamError(f"there is no user {name!r}")
            states.append(states[-1].model_copy(update={"users": others}))


class Introductions:
    """Asks clients for user and password: `hear()` each `connect`.

    Args:
        users: who there is.
        secret: of the server, the same in all its workers.
    """

    def __init__(self, users: Users, secret: str) -> None:
        self._users = users
        self._secret = secret.encode()
        self._answered: dict[str, float] = {}  # challenges, and until when they would hold

    def hear(self, app: str, query: str, address: str, scheme: Scheme, time: float) -> Introduction:
        """Look at what a client says of itself.

        Args:
            app: of its `connect`.
            query: behind the application.
            address: of the client.
            scheme: to ask for, if the client has none in mind.
            time: seconds since 1970.
        """
        said = parse_credentials(query)
        if said is None:
            return Introduction(refusal=need_authentication(scheme))
        if not said.response:
            return Introduction(refusal=self._challenge(said, address, time))
        challenge = said.nonce if said.scheme is Scheme.LIMELIGHT else said.opaque
        user = self._challenged(challenge, address, time)
        if user is not None and self._is_right(user, said, challenge, app):
            return Introduction(user=user)
        failed = authentication_failed(said.scheme, challenge)
        return Introduction(refusal=failed, reason="wrong user or password")

    def _challenge(self, said: Credentials, address: str, time: float) -> str:
        name = said.user.encode(errors="replace")[:64].hex()
        text = f"{secrets.token_hex(8)}-{int(time) + LIFE_S:x}-{name}"
        challenge = f"{text}-{self._mac(text, address)}"
        if said.scheme is Scheme.LIMELIGHT:
            return limelight_challenge(said.user, challenge)
        known = self._users.find(said.user)
        # Whoever is unknown has a salt as well, always the same, so that nobody can tell.
        salt = self._mac("salt", said.user)[:16] if known is None else known.salt
        return adobe_challenge(said.user, salt, challenge)

    def _challenged(self, challenge: str, address: str, time: float) -> str | None:
        """To whom a challenge was put; None: not here, not now, or it has been answered."""
        text, _, mac = challenge.rpartition("-")
        if not hmac.compare_digest(mac.encode(errors="replace"), self._mac(text, address).encode()):
            return None
        _, until, name = text.split("-")
        if int(until, 16) < time or challenge in self._answered:
            return None
        self._answered[challenge] = int(until, 16)
        while len(self._answered) > MAX_ANSWERED or next(iter(self._answered.values())) < time:
            del self._answered[next(iter(self._answered))]
        return bytes.fromhex(name).decode(errors="replace")

    def _is_right(self, name: str, said: Credentials, challenge: str, app: str) -> bool:
        user = self._users.find(name)
        if said.scheme is Scheme.LIMELIGHT:
            right = limelight_response("" if user is None else user.limelight, said, app)
        else:
            right = adobe_response("" if user is None else user.adobe, said, challenge)
        response = said.response.encode(errors="replace")
        return hmac.compare_digest(response, right.encode()) and user is not None

    def _mac(self, text: str, address: str) -> str:
        data = f"{text}\n{address}".encode(errors="replace")
        return hmac.new(self._secret, data, hashlib.sha256).hexdigest()[:32]


class UserWay:
    """Lets in who has proved to be a user.

    Args:
        users: who there is.
    """

    def __init__(self, users: Users) -> None:
        self._users = users

    def is_shown(self, shown: Shown) -> bool:
        """Whether the connection has a user."""
        return bool(shown.request.user)

    def check(self, shown: Shown) -> Decision:
        """Whether the stream is theirs."""
        user = self._users.find(shown.request.user)
        if user is None or user.app not in (ANY_APP, app_and_name(shown.request.stream)[0]):
            return refusal("the user is for another application")
        grant = Grant("user", user.name)
        return Decision(allowed=True, credential=f"user:{user.name}", grant=grant)

    def revoked(self, grant: Grant, time: float) -> str:  # noqa: ARG002
        """Whether the user is no more."""
        return "" if self._users.find(grant.holder) else f"user {grant.holder} was removed"
