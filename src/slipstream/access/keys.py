"""The three secrets of a server: the publishing key, the API token and the signing key.

Made at the first start, 128 random bits each, and kept as one line per file in the data
folder, for its owner's eyes only. A file may also be written by hand: any line of 16 to 128
letters, digits, '-', '_', '.' and '~', none of which a query would have to escape. A running
server looks at the first two files whenever somebody shows a key or token, so that another line
counts at once.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from slipstream.errors import SlipstreamError

log = structlog.get_logger()

PUBLISH_KEY_FILE = "publish.key"
API_TOKEN_FILE = "api.token"  # noqa: S105 (a file's name)
SIGNING_KEY_FILE = "signing.key"
SECRET_BYTES = 16  # in 32 digits, as many as HS256 wants of a key (RFC 7518 §3.2)
_SECRET = re.compile(r"[A-Za-z0-9_.~-]{16,128}")


@dataclass(frozen=True, slots=True)
class Keys:
    """What whoever publishes, or uses the API, must show; and what tokens are signed with."""

    publish_key: str = field(repr=False)
    api_token: str = field(repr=False)
    signing_key: str = field(default="", repr=False)


ReadSecret = Callable[[], str]


class LiveSecret:
    """One of them, for a server that runs: call it for what its file says now.

    While the file cannot be read, or holds no key, what it said before holds.

    Args:
        path: of the file.
        secret: what it said when the server started.
        on_change: told another one.
    """

    def __init__(self, path: Path, secret: str, on_change: Callable[[str], object]) -> None:
        self._path = path
        self._secret = secret
        self._on_change = on_change
        self._state: tuple[int, int, int] | None = None

    def __call__(self) -> str:
        """The secret; 2 us while the file is as it was."""
        try:
            status = self._path.stat()
            state = status.st_mtime_ns, status.st_size, status.st_ino
            if state != self._state:
                self._state = state
                self._take(_read(self._path))
        except FileNotFoundError:
            self._state = None
        except (OSError, SlipstreamError) as error:
            log.warning("access.secret", reason=str(error))
        return self._secret

    def _take(self, secret: str) -> None:
        if secret != self._secret:
            self._secret = secret
            self._on_change(secret)
            log.info("access.secret", file=self._path.name, reason="another one counts now")


def live_secrets(
    folder: Path, keys: Keys, on_change: Callable[[str], object]
) -> tuple[LiveSecret, LiveSecret]:
    """The publishing key and the API token of a data folder, as their files say from now on."""
    return (
        LiveSecret(folder / PUBLISH_KEY_FILE, keys.publish_key, on_change),
        LiveSecret(folder / API_TOKEN_FILE, keys.api_token, on_change),
    )


def reading(secret: str | ReadSecret) -> ReadSecret:
    """What reads a secret that may be always the same."""
    return (lambda: secret) if isinstance(secret, str) else secret


def load_keys(folder: Path) -> Keys:
    """Read the keys in `folder`; make the folder and the keys that are missing.

    Raises:
        SlipstreamError: with what to do about it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = PUBLISH_KEY_FILE, API_TOKEN_FILE, SIGNING_KEY_FILE
        return Keys(*(_load(folder / name) for name in files))
    except OSError as error:
        place = error.filename or folder
        raise SlipstreamError(
            f"cannot keep keys in the data folder {folder}: {place}: {error.strerror}"
        ) from error


def _load(path: Path) -> str:
    if not path.exists():
        _make(path)
    return _read(path)


def _read(path: Path) -> str:
    with path.open(encoding="ascii", errors="replace") as file:
        secret = file.read(1024).strip()
    if not _SECRET.fullmatch(secret):
        raise SlipstreamError(
            f"{path} holds no key: expected one line of 16 to 128 letters, digits, "
            "'-', '_', '.', '~'; delete the file and a new key is made"
        )
    return secret


def _make(path: Path) -> None:
    """Write a new secret, whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
