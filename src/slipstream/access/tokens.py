"""Who may use the API, and for what: tokens with names and roles.

The token of the file `api.token`, made at the first start, is good for everything. Further ones
are made by `slipstream tokens add`, shown once, and kept in `tokens.json` in the data folder as
hashes. They are 128 random bits, so a plain SHA-256 cannot be guessed from; whoever reads the
file has no token. The file is read again when it has changed: a running server needs not be told.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

import structlog

from slipstream.errors import SlipstreamError

log = structlog.get_logger()

TOKENS_FILE = "tokens.json"
TOKEN_BYTES = 16
MAX_TOKENS = 1000
MAIN = "api.token"  # the name of the one that is no entry of the file
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Role(StrEnum):
    """What a token is good for; each includes the ones before it."""

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


@dataclass(frozen=True, slots=True)
class Token:
    """One further token, as it is kept."""

    name: str
    role: Role
    sha256: str
    made_at: str
    """ISO 8601, UTC."""


class Tokens:
    """Those of a data folder.

    Args:
        main: the token that is good for everything; empty: there is none.
        folder: where the others are kept; None: there are none.
    """

    def __init__(self, main: str, folder: Path | None = None) -> None:
        self._main = _hash(main) if main else ""
        self._path = None if folder is None else folder / TOKENS_FILE
        self._read_as: tuple[int, int, int] | None = None
        self._tokens: Sequence[Token] = ()

    def role_of(self, token: str) -> Role | None:
        """What a token is good for; None: it is wrong."""
        shown, role = _hash(token).encode(), None
        if hmac.compare_digest(shown, self._main.encode()):
            role = Role.ADMIN
        for known in self._up_to_date():
            if hmac.compare_digest(shown, known.sha256.encode()):
                role = known.role
        return role

    def all(self) -> Sequence[Token]:
        """The further ones.

        Raises:
            SlipstreamError: their file holds something else.
        """
        if self._path is None:
            return ()
        try:
            return _parse(self._path.read_text())
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise SlipstreamError(f"cannot read {self._path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise SlipstreamError(f"{self._path} holds no tokens: {error}") from error

    def add(self, name: str, role: Role) -> str:
        """Make one; return it, for nobody can be told again.

        Raises:
            SlipstreamError: the name is taken, or is none.
        """
        if not _NAME.fullmatch(name) or name == MAIN:
            raise SlipstreamError(
                f"{name!r} is no name for a token: 1 to 64 letters, digits, '-', '_' and '.'"
            )
        tokens = self.all()
        if any(token.name == name for token in tokens):
            raise SlipstreamError(f"there is a token named {name} already")
        if len(tokens) >= MAX_TOKENS:
            raise SlipstreamError(f"there are {MAX_TOKENS} tokens, the limit")
        token = secrets.token_hex(TOKEN_BYTES)
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._write([*tokens, Token(name, role, _hash(token), made_at)])
        return token

    def remove(self, name: str) -> None:
        """Let a token be good for nothing.

        Raises:
            SlipstreamError: there is no such token.
        """
        tokens = self.all()
        kept = [token for token in tokens if token.name != name]
        if len(kept) == len(tokens):
            raise SlipstreamError(f"there is no token named {name}")
        self._write(kept)

    def _up_to_date(self) -> Sequence[Token]:
        """The further ones; none while their file cannot be read."""
        if self._path is None:
            return ()
        try:
            status = self._path.stat()
            state = status.st_mtime_ns, status.st_ino, status.st_size
        except OSError:
            state = None
        if state != self._read_as:
            self._read_as = state
            self._tokens = ()
            try:
                self._tokens = self.all()
            except SlipstreamError as error:
                log.warning("api.tokens_unreadable", reason=str(error))
        return self._tokens

    def _write(self, tokens: Sequence[Token]) -> None:
        """Write the file anew, whole or not at all."""
        assert self._path is not None
        text = json.dumps({"version": 1, "tokens": [asdict(token) for token in tokens]}, indent=1)
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            raise SlipstreamError(f"cannot write {self._path}: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)


def _parse(text: str) -> tuple[Token, ...]:
    """The tokens that were written.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    return tuple(Token(**{**row, "role": Role(row["role"])}) for row in json.loads(text)["tokens"])


def _hash(token: str) -> str:
    return sha256(token.encode(errors="backslashreplace")).hexdigest()
