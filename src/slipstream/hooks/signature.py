"""How what is posted is signed, so that the receiver knows whose it is and that it is new.

As in Standard Webhooks 1.0: HMAC-SHA256 over `id.time.body`, in the header `webhook-signature`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from slipstream.hooks.settings import secret_key


def signed_headers(message_id: str, body: bytes, time_s: int, secret: str) -> dict[str, str]:
    """The headers that tell id and time, and with a secret the signature.

    Args:
        message_id: the same however often it is posted.
        body: as it is sent.
        time_s: of this attempt, in seconds since 1970.
        secret: as in the settings; empty: there is no signature.
    """
    headers = {"webhook-id": message_id, "webhook-timestamp": str(time_s)}
    if secret:
        signed = f"{message_id}.{time_s}.".encode() + body
        digest = hmac.digest(secret_key(secret), signed, hashlib.sha256)
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers
