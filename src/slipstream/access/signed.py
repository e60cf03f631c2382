"""Signed URLs: `?expires=1790000000&sig=...`, and `&ip=...` if they hold for one address alone.

The signature is HMAC-SHA256 with the server's signing key over the four lines action, stream,
expiry and address, in base64url without padding; so an application of yours can sign as well.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from slipstream.access.request import Action, Decision, Grant
from slipstream.access.ways import Shown, refusal, wrong

_EXPIRES = re.compile(r"[0-9]{1,12}")
CREDENTIAL_DIGITS = 12


def sign(key: str, action: Action, stream: str, expires: int, address: str = "") -> str:
    """Return the signature.

    Args:
        key: the signing key.
        action: that it is good for.
        stream: `app/name` that it is good for.
        expires: seconds since 1970.
        address: that it is good for; empty: any.
    """
    return _signature(key, action, stream, str(expires), address).decode()


def signed_query(key: str, action: Action, stream: str, expires: int, address: str = "") -> str:
    """Return what belongs behind the '?'; arguments are those of `sign()`."""
    bound = f"&ip={address}" if address else ""
    return f"expires={expires}{bound}&sig={sign(key, action, stream, expires, address)}"


class SignedWay:
    """Lets in who shows a signature.

    Args:
        key: the signing key.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def is_shown(self, shown: Shown) -> bool:
        """Whether there is a `sig`."""
        return "sig" in shown.parameters

    def check(self, shown: Shown) -> Decision:
        """Whether it is ours, and good for this, now and here."""
        request, expires, address = shown.request, shown.one("expires"), shown.one("ip")
        if not self._key or not _EXPIRES.fullmatch(expires):
            return wrong("wrong signature")
        right = _signature(self._key, request.action, request.stream, expires, address)
        signature = shown.one("sig").encode(errors="replace")
        if not hmac.compare_digest(signature, right):
            return wrong("wrong signature, or for another stream, action or address")
        if int(expires) <= shown.time:
            return refusal("the signed URL has expired")
        if address not in ("", request.address):
            return refusal("the signed URL is for another address")
        credential = hashlib.sha256(right).hexdigest()[:CREDENTIAL_DIGITS]
        grant = Grant("signed", expires=int(expires))
        return Decision(allowed=True, credential=f"signed:{credential}", grant=grant)

    def revoked(self, grant: Grant, time: float) -> str:  # noqa: ARG002
        """It only expires."""
        return ""


def _signature(key: str, action: Action, stream: str, expires: str, address: str) -> bytes:
    """Of the time as it is written: 01 and 1 are two texts."""
    text = f"{action}\n{stream}\n{expires}\n{address}"
    digest = hmac.digest(key.encode(), text.encode(errors="backslashreplace"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=")
