"""Keys, users and operators, kept in the data folder: `access.json`, for its owner's eyes only.

Commands, the API and every worker read the same file. It is replaced as a whole, so nobody sees
half of it; a lock beside it keeps two who change it at the same time apart. A reader looks at the
file's state each time, 2 us, and reads it again when that has changed.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipstream.errors import SlipstreamError

log = structlog.get_logger()

STORE_FILE = "access.json"
LOCK_FILE = ".access.lock"
VERSION = 1


class StoredKey(BaseModel):
    """One stream key, of which only the hash is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    app: str
    """First part of the names that it is for; `*` is any."""
    name: str = ""
    """The rest of the name that it is for; empty: all of the application."""
    label: str = ""
    hash: str = Field(repr=False)
    """SHA-256 of the key, in hexadecimal digits. Keys are random, so nothing slower is needed."""
    made: str
    """When, or when it was last rotated: ISO 8601, UTC."""
    enabled: bool = True
    old_hash: str = Field(default="", repr=False)
    """Of the key before this one, which is good as well until `old_until`."""
    old_until: float = 0.0
    """Seconds since 1970."""


class StoredUser(BaseModel):
    """Somebody with a password, of which only what the two schemes compute with is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    app: str
    """First part of the names of the streams that are theirs; `*` is any."""
    salt: str
    adobe: str = Field(repr=False)
    """base64(MD5(name, salt, password))."""
    limelight: str = Field(repr=False)
    """MD5(name:live:password) in hexadecimal digits."""
    made: str


class StoredOperator(BaseModel):
    """Somebody who may use the API, with a token of which only the hash is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    role: Literal["read", "operate", "admin"]
    hash: str = Field(repr=False)
    """SHA-256 of the token, in hexadecimal digits."""
    made: str


class Stored(BaseModel):
    """What the file holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = VERSION
    keys: tuple[StoredKey, ...] = ()
    users: tuple[StoredUser, ...] = ()
    operators: tuple[StoredOperator, ...] = ()


class Store:
    """`read()` what there is; `change()` it.

    Args:
        folder: the data folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / STORE_FILE
        self._state: tuple[int, int, int] | None = None
        self._stored = Stored()

    def read(self) -> Stored:
        """What is in the file now.

        Raises:
            SlipstreamError: it cannot be read, with the reason.
        """
        try:
            status = self._path.stat()
            state = status.st_mtime_ns, status.st_size, status.st_ino
            if state != self._state:
                self._stored = Stored.model_validate_json(self._path.read_bytes())
                self._state = state
        except FileNotFoundError:
            self._state, self._stored = None, Stored()
        except OSError as error:
            raise SlipstreamError(f"cannot read {self._path}: {error.strerror}") from error
        except ValidationError as error:
            raise SlipstreamError(f"{self._path} holds no keys and users: {error}") from error
        return self._stored

    @contextmanager
    def change(self) -> Iterator[list[Stored]]:
        """Yield a list with what there is; what is appended to it is written.

        Raises:
            SlipstreamError: it cannot be read or written.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / LOCK_FILE, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as error:
            raise SlipstreamError(f"cannot change {self._path}: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            states = [self.read()]
            yield states
            if len(states) > 1:
                self._write(states[-1])
        finally:
            os.close(lock)

    def _write(self, stored: Stored) -> None:
        draft = self._path.with_name(f".{STORE_FILE}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(stored.model_dump_json(indent=1) + "\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            raise SlipstreamError(f"cannot write {self._path}: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)


class LiveStore(Store):
    """For a server, which goes on with what it knew when the file cannot be read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._failed = ""

    def read(self) -> Stored:
        """What is in the file now, or was when it could be read."""
        try:
            stored, self._failed = super().read(), ""
        except SlipstreamError as error:
            if str(error) != self._failed:
                self._failed = str(error)
                log.warning("access.store", reason=self._failed)
            return self._stored
        return stored
