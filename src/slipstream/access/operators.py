"""Who may use the API, and for what: operators, each with a name, a role and a token.

The token of the file `api.token`, made at the first start, is good for everything. Others are made
by `slipstream operators add`, shown once, and kept in `operators.json` in the data folder as
hashes. They are 128 random bits, so that nothing slower than SHA-256 is needed. The file is read
again when it has changed: a running server need not be told.
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

OPERATORS_FILE = "operators.json"
TOKEN_BYTES = 16
MAX_OPERATORS = 1000
MAIN = "api.token"  # the name of the one that is no entry of the file
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


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


@dataclass(frozen=True, slots=True)
class Operator:
    """One, as it is kept."""

    name: str
    role: Role
    sha256: str
    made_at: str
    """ISO 8601, UTC."""


class Operators:
    """Those of a data folder.

    Args:
        main: the token that is good for everything; empty: there is none.
        folder: where the operators are kept; None: there are none.
    """

    def __init__(self, main: str, folder: Path | None = None) -> None:
        self._main = _hash(main) if main else ""
        self._path = None if folder is None else folder / OPERATORS_FILE
        self._read_as: tuple[int, int, int] | None = None
        self._operators: Sequence[Operator] = ()

    def role_of(self, token: str) -> Role | None:
        """What a token is good for; None: it is wrong."""
        shown, role = _hash(token).encode(), None
        if hmac.compare_digest(shown, self._main.encode()):
            role = Role.ADMIN
        for known in self._up_to_date():
            if hmac.compare_digest(shown, known.sha256.encode()):
                role = known.role
        return role

    def all(self) -> Sequence[Operator]:
        """All of them.

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
            raise SlipstreamError(f"{self._path} holds no operators: {error}") from error

    def add(self, name: str, role: Role) -> str:
        """Add one; return the token, for nobody can be told again.

        Raises:
            SlipstreamError: the name is taken, or is none.
        """
        if not _NAME.fullmatch(name) or name == MAIN:
            raise SlipstreamError(
                f"{name!r} is no name for an operator: 1 to 64 letters, digits, '-', '_' and '.'"
            )
        operators = self.all()
        if any(one.name == name for one in operators):
            raise SlipstreamError(f"there is an operator named {name} already")
        if len(operators) >= MAX_OPERATORS:
            raise SlipstreamError(f"there are {MAX_OPERATORS} operators, the limit")
        token = secrets.token_hex(TOKEN_BYTES)
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._write([*operators, Operator(name, role, _hash(token), made_at)])
        return token

    def remove(self, name: str) -> None:
        """Let an operator's token be good for nothing.

        Raises:
            SlipstreamError: there is no such operator.
        """
        operators = self.all()
        kept = [one for one in operators if one.name != name]
        if len(kept) == len(operators):
            raise SlipstreamError(f"there is no operator named {name}")
        self._write(kept)

    def _up_to_date(self) -> Sequence[Operator]:
        """All of them; none while their file cannot be read."""
        if self._path is None:
            return ()
        try:
            status = self._path.stat()
            state = status.st_mtime_ns, status.st_ino, status.st_size
        except OSError:
            state = None
        if state != self._read_as:
            self._read_as = state
            self._operators = ()
            try:
                self._operators = self.all()
            except SlipstreamError as error:
                log.warning("api.tokens_unreadable", reason=str(error))
        return self._operators

    def _write(self, operators: Sequence[Operator]) -> None:
        """Write the file anew, whole or not at all."""
        assert self._path is not None
        text = json.dumps({"version": 1, "operators": [asdict(one) for one in operators]}, indent=1)
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


def _parse(text: str) -> tuple[Operator, ...]:
    """The operators that were written.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    return tuple(
        Operator(**{**row, "role": Role(row["role"])}) for row in json.loads(text)["operators"]
    )


def _hash(token: str) -> str:
    return sha256(token.encode(errors="backslashreplace")).hexdigest()
