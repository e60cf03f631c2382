"""What tokens are signed with: from a secret, a file or a JWKS at an address.

Each key is good for one algorithm, which follows from its kind and never from a token. A file is
read again when it has changed. An address is fetched off the loop: before the first token is
looked at, then when what is known is old, and when a token names a key that is not known; while
that fails, what was known stays.
"""

from __future__ import annotations

import asyncio
import http.client
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import IO, Any

import jwt
import orjson
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from slipstream.errors import SlipstreamError

log = structlog.get_logger()

MAX_BYTES = 256 << 10
MAX_KEYS = 64
MIN_SECRET = 32  # bytes, as many as HS256's hash (RFC 7518 §3.2)
MIN_RSA_BITS = 2048  # RFC 7518 §3.3
OLD_S = 300.0
AGAIN_S = 30.0  # between two fetches
FETCH_S = 5.0

ADDRESSES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One key."""

    algorithm: str
    key: Any = field(repr=False)
    id: str = ""
    """`kid`, by which tokens name it; empty: they need not."""


def read_keys(data: bytes) -> Sequence[TokenKey]:
    """Read a JWKS, a public key in PEM, or a secret.

    Raises:
        SlipstreamError: it is none of these, or too weak.
    """
    if len(data) > MAX_BYTES:
        raise SlipstreamError(f"keys of {len(data)} bytes, limit {MAX_BYTES}")
    text = data.strip()
    if text.startswith(b"{"):
        return _from_jwks(text)
    if text.startswith(b"-----BEGIN"):
        try:
            return [_public(load_pem_public_key(text), "")]
        except (ValueError, UnsupportedAlgorithm) as error:
            raise SlipstreamError(f"not a public key in PEM: {error}") from error
    if len(text) < MIN_SECRET:
        raise SlipstreamError(f"a secret of {len(text)} bytes, at least {MIN_SECRET} are needed")
    return [TokenKey("HS256", text)]


def _from_jwks(text: bytes) -> Sequence[TokenKey]:
    try:
        listed = orjson.loads(text)["keys"]
        keys = [_from_jwk(one) for one in listed[:MAX_KEYS]]
    except (KeyError, TypeError, ValueError) as error:
        raise SlipstreamError(f"not a JWKS: {error}") from error
    usable = [key for key in keys if key is not None]
    if not usable:
        raise SlipstreamError("a JWKS without a key for RS256, EdDSA or HS256")
    return usable


def _from_jwk(values: Mapping[str, Any]) -> TokenKey | None:
    """A key, or None if it is for something else."""
    if values.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(dict(values)).key
        if isinstance(key, bytes):
            return TokenKey("HS256", key, str(values.get("kid", ""))) if len(key) >= 32 else None
        return _public(key, str(values.get("kid", "")))
    except (jwt.PyJWTError, SlipstreamError, ValueError):
        return None


def _public(key: object, key_id: str) -> TokenKey:
    if isinstance(key, RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise SlipstreamError(f"an RSA key of {key.key_size} bits, at least {MIN_RSA_BITS}")
        return TokenKey("RS256", key, key_id)
    if isinstance(key, Ed25519PublicKey):
        return TokenKey("EdDSA", key, key_id)
    raise SlipstreamError("a key that is neither RSA (RS256) nor Ed25519 (EdDSA)")


class Fixed:
    """Keys that do not change."""

    def __init__(self, keys: Sequence[TokenKey]) -> None:
        self._keys = keys

    def read(self, key_id: str, now: float) -> Sequence[TokenKey] | None:  # noqa: ARG002
        """The keys."""
        return self._keys

    async def load(self, now: float) -> None:
        """There is nothing to load."""


class KeyFile:
    """Keys in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: tuple[int, int, int] | None = None
        self._keys: Sequence[TokenKey] = ()
        self._failed = ""

    def read(self, key_id: str, now: float) -> Sequence[TokenKey] | None:  # noqa: ARG002
        """What is in the file now; what was there last if that cannot be read."""
        try:
            status = self._path.stat()
            state = status.st_mtime_ns, status.st_size, status.st_ino
            if state != self._state:
                self._state = state
                self._keys = read_keys(self._path.read_bytes())
                self._failed = ""
        except (OSError, SlipstreamError) as error:
            if str(error) != self._failed:
                self._failed = str(error)
                log.warning("tokens.keys", source=str(self._path), reason=self._failed)
        return self._keys

    async def load(self, now: float) -> None:
        """It is read when it is needed."""


class KeyAddress:
    """Keys at an address.

    Args:
        url: of a JWKS.
        fetch: gets it; blocks.
    """

    def __init__(self, url: str, fetch: Callable[[str], bytes] | None = None) -> None:
        self._url = url
        self._fetch = fetch or fetch_keys
        self._keys: Sequence[TokenKey] = ()
        self._loaded_at: float | None = None
        self._tried_at: float | None = None
        self._loading: asyncio.Task[None] | None = None

    def read(self, key_id: str, now: float) -> Sequence[TokenKey] | None:
        """The keys; None: `load()` first, for this one is not among them, or nothing is known."""
        if self._tried_at is not None and now - self._tried_at < AGAIN_S:
            return self._keys
        known = any(key.id in ("", key_id) for key in self._keys)
        if not known:
            return None
        if self._loaded_at is None or now - self._loaded_at > OLD_S:
            self._start(now)  # and meanwhile what is known will do
        return self._keys

    async def load(self, now: float) -> None:
        """Fetch them. Whoever comes meanwhile waits for the same; failures are in the log."""
        await asyncio.shield(self._start(now))

    def _start(self, now: float) -> asyncio.Task[None]:
        if self._loading is None or self._loading.done():
            self._loading = asyncio.get_running_loop().create_task(self._load(now))
        return self._loading

    async def _load(self, now: float) -> None:
        try:
            data = await asyncio.to_thread(self._fetch, self._url)
            self._keys = read_keys(data)
            self._loaded_at = now
        except (OSError, ValueError, http.client.HTTPException, SlipstreamError) as error:
            log.warning("tokens.keys", source=self._url, reason=str(error))
        self._tried_at = now


Source = Fixed | KeyFile | KeyAddress


def source_of(place: str) -> Source:
    """The keys that `token_keys` names."""
    return KeyAddress(place) if place.startswith(ADDRESSES) else KeyFile(Path(place))


def fetch_keys(url: str) -> bytes:
    """Fetch an address that the operator has set; redirects are not followed.

    Raises:
        OSError: it cannot be had.
    """
    opener = urllib.request.build_opener(_NoRedirects)
    until = time.monotonic() + FETCH_S
    data = b""
    with opener.open(url, timeout=FETCH_S) as answer:
        while len(data) <= MAX_BYTES and (part := answer.read1(64 << 10)):
            data += part
            if time.monotonic() > until:
                raise TimeoutError(f"not done after {FETCH_S:g} s")
    return data


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002
        fp: IO[bytes],  # noqa: ARG002
        code: int,
        msg: str,  # noqa: ARG002
        headers: Message,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        raise OSError(f"HTTP status {code}: redirects are not followed")
