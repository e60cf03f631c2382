"""Stream keys: `?key=...` behind the stream's name.

One for the whole server is made at its first start (`keys.py`); any number of others, each for an
application or for one stream, are made, rotated, disabled and removed while the server runs. A
rotated key keeps its identity, so who shows the new one may take over from who showed the old one,
which may stay good for a while.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from slipstream.access.keys import ReadSecret
from slipstream.access.request import Decision, Grant
from slipstream.access.store import Store, Stored, StoredKey
from slipstream.access.ways import Shown, app_and_name, refusal, wrong
from slipstream.errors import SlipstreamError

KEY_BYTES = 16
ID_BYTES = 4
CREDENTIAL_DIGITS = 12  # of a hash: enough to tell credentials apart in a log
ANY_APP = "*"


class StreamKeys:
    """The keys of a store.

    Args:
        store: of the data folder.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self) -> Sequence[StoredKey]:
        """All of them, in the order in which they were made."""
        return self._store.read().keys

    def add(self, app: str, name: str = "", label: str = "") -> tuple[StoredKey, str]:
        """Make a key; return what is stored of it, and the key, which nobody can look up later."""
        key = secrets.token_hex(KEY_BYTES)
        made = StoredKey(
            id=secrets.token_hex(ID_BYTES),
            app=app,
            name=name,
            label=label,
            hash=hash_of(key),
            made=_now(),
        )
        with self._store.change() as states:
            stored = states[-1]
            states.append(stored.model_copy(update={"keys": (*stored.keys, made)}))
        return made, key

    def rotate(self, key_id: str, overlap_s: float = 0) -> tuple[StoredKey, str]:
        """Put a new key in the place of one.

        Args:
            key_id: of the key.
            overlap_s: seconds for which the old one is good as well.
        """
        key = secrets.token_hex(KEY_BYTES)

        def rotated(old: StoredKey) -> tuple[StoredKey, ...]:
            values = {
                "hash": hash_of(key),
                "made": _now(),
                "old_hash": old.hash if overlap_s > 0 else "",
                "old_until": time.time() + overlap_s if overlap_s > 0 else 0.0,
            }
            return (old.model_copy(update=values),)

        (changed,) = self._replace(key_id, rotated)
        return changed, key

    def disable(self, key_id: str) -> StoredKey:
        """Let nobody in with a key until it is enabled again."""
        return self._change(key_id, {"enabled": False})

    def enable(self, key_id: str) -> StoredKey:
        """Undo `disable`."""
        return self._change(key_id, {"enabled": True})

    def remove(self, key_id: str) -> None:
        """Forget a key."""
        self._replace(key_id, lambda _: ())

    def _change(self, key_id: str, values: dict[str, object]) -> StoredKey:
        (changed,) = self._replace(key_id, lambda key: (key.model_copy(update=values),))
        return changed

    def _replace(
        self, key_id: str, by: Callable[[StoredKey], tuple[StoredKey, ...]]
    ) -> tuple[StoredKey, ...]:
        with self._store.change() as states:
            stored = states[-1]
            at = next((n for n, key in enumerate(stored.keys) if key.id == key_id), None)
            if at is None:
                raise SlipstreamError(f"there is no key {key_id!r}")
            new = by(stored.keys[at])
            keys = (*stored.keys[:at], *new, *stored.keys[at + 1 :])
            states.append(stored.model_copy(update={"keys": keys}))
        return new


class KeyWay:
    """Lets in who shows a key.

    Args:
        first: reads the key of the whole server.
        store: of the others; None: there are none.
    """

    def __init__(self, first: ReadSecret, store: Store | None) -> None:
        self._first = first
        self._store = store
        self._of: Stored | None = None
        self._by_hash: dict[str, StoredKey] = {}

    def is_shown(self, shown: Shown) -> bool:
        """Whether there is a `key`."""
        return "key" in shown.parameters

    def check(self, shown: Shown) -> Decision:
        """Whether it opens this stream."""
        # Two different keys would be two guesses for the price of one.
        key, first = shown.one("key").encode(errors="backslashreplace"), self._first()
        if hmac.compare_digest(key, first.encode()):
            digest = hash_of(first)
            credential = f"key:{digest[:CREDENTIAL_DIGITS]}"
            return Decision(allowed=True, credential=credential, grant=Grant("key", digest))
        digest = hashlib.sha256(key).hexdigest()
        stored = self._find(digest)
        if stored is None:
            return wrong("wrong key")
        app, name = app_and_name(shown.request.stream)
        if stored.app not in (ANY_APP, app) or stored.name not in ("", name):
            return refusal(f"key {stored.id} is for another stream")
        reason = _out_of_use(stored, digest, shown.time)
        if reason:
            return refusal(reason)
        return Decision(allowed=True, credential=f"key:{stored.id}", grant=Grant("key", digest))

    def revoked(self, grant: Grant, time: float) -> str:
        """Whether the key is disabled, or is there no more."""
        if grant.holder == hash_of(self._first()):
            return ""
        stored = self._find(grant.holder)
        if stored is None:
            return "the key was rotated or removed"
        return _out_of_use(stored, grant.holder, time)

    def _find(self, digest: str) -> StoredKey | None:
        """Look up by hash: what its timing tells of a hash tells nothing of a key."""
        if self._store is None:
            return None
        stored = self._store.read()
        if stored is not self._of:
            self._of = stored
            self._by_hash = {key.old_hash: key for key in stored.keys if key.old_hash}
            self._by_hash.update({key.hash: key for key in stored.keys})
        return self._by_hash.get(digest)


def _out_of_use(key: StoredKey, shown_hash: str, time: float) -> str:
    """Why a key lets nobody in now who shows what has this hash; empty if it does."""
    if not key.enabled:
        return f"key {key.id} is disabled"
    if shown_hash != key.hash and time >= key.old_until:
        return f"key {key.id} was rotated"
    return ""


def hash_of(secret: str) -> str:
    """What is kept of a random secret."""
    return hashlib.sha256(secret.encode(errors="backslashreplace")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
