"""Who may use the API, and for what: operators, each with a name, a role and a token.

The token of the file `api.token`, made at the first start, is good for everything. Others are made
by `slipstream operators add` and shown once; only a hash of each is kept.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from slipstream.access.keys import ReadSecret, reading
from slipstream.access.store import Store, StoredOperator
from slipstream.access.stream_keys import hash_of
from slipstream.errors import SlipstreamError

TOKEN_BYTES = 16
MAX_OPERATORS = 1000
_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")


class Role(StrEnum):
    """What an operator may do; each includes the ones before it."""

    READ = "read"
    """To look."""
    OPERATE = "operate"
    """To act on what runs: streams, connections, relays."""
    ADMIN = "admin"
    """To change who may do what, and the configuration."""

    def covers(self, other: Role) -> bool:
        """Whether whoever has this role may do what needs the other one."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


class Operators:
    """Those of a data folder.

    Args:
        main: the token that is good for everything, or what reads it; empty: there is none.
        store: where the others are kept; None: there are none.
    """

    def __init__(self, main: str | ReadSecret, store: Store | None = None) -> None:
        self._main = reading(main)
        self._store = store

    def role_of(self, token: str) -> Role | None:
        """What a token is good for; None: it is wrong."""
        shown, main = hash_of(token), self._main()
        role = Role.ADMIN if main and hmac.compare_digest(shown, hash_of(main)) else None
        for operator in self.list():
            if hmac.compare_digest(shown.encode(), operator.hash.encode()):
                role = Role(operator.role)
        return role

    def list(self) -> Sequence[StoredOperator]:
        """All of them, in the order in which they were added."""
        return () if self._store is None else self._store.read().operators

    def add(self, name: str, role: Role) -> str:
        """Add one; return the token, which nobody can look up later.

        Raises:
            SlipstreamError: the name is taken, or cannot be one; or there are too many.
        """
        if not _NAME.fullmatch(name):
            raise SlipstreamError(
                "an operator's name is 1 to 64 letters, digits, '_', '.', '@', '-'"
            )
        assert self._store is not None
        token = secrets.token_hex(TOKEN_BYTES)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        operator = StoredOperator(name=name, role=role.value, hash=hash_of(token), made=made)
        with self._store.change() as states:
            known = states[-1].operators
            if any(other.name == name for other in known):
                raise SlipstreamError(f"there is an operator named {name} already")
            if len(known) >= MAX_OPERATORS:
                raise SlipstreamError(f"there are {MAX_OPERATORS} operators, the limit")
            states.append(states[-1].model_copy(update={"operators": (*known, operator)}))
        return token

    def remove(self, name: str) -> None:
        """Forget one, whose token is good for nothing from then on.

        Raises:
            SlipstreamError: there is no such operator.
        """
        assert self._store is not None
        with self._store.change() as states:
            known = states[-1].operators
            kept = tuple(operator for operator in known if operator.name != name)
            if len(kept) == len(known):
                raise SlipstreamError(f"there is no operator named {name}")
            states.append(states[-1].model_copy(update={"operators": kept}))
