"""The client's part of Adobe's authentication: a user and a password for `connect`.

A server that wants them turns the client away and says so in its description; the client connects
again with more behind the application's name, twice:

    server's description                                   client's application, the next time
    code=403 need auth; authmod=adobe                      live?authmod=adobe&user=U
    authmod=adobe ] : ?reason=needauth&salt=...            live?authmod=adobe&user=U&response=...
    authmod=adobe ] : ?reason=authfailed                   (none: that was all)

Nothing of it is in RTMP 1.0; FFmpeg, librtmp and OBS do the same. It rests on MD5: better than a
password in the clear, and no more. Nothing is URL-decoded: base64 comes raw.
"""

from __future__ import annotations

import base64
import hashlib

STEPS = 3  # connections that it takes


def answer_challenge(description: str, user: str, password: str, own_challenge: str) -> str:
    """Return what to put behind the application's name the next time; empty: nothing helps.

    Args:
        description: with which the server turned us away.
        user: as in the URL.
        password: likewise.
        own_challenge: letters and digits, of chance.
    """
    if "authmod=adobe" not in description or not user:
        return ""
    if "code=403 need auth" in description:
        return f"authmod=adobe&user={user}"
    asked = dict(part.partition("=")[::2] for part in description.rpartition("?")[2].split("&"))
    if asked.get("reason") != "needauth":
        return ""
    opaque = asked.get("opaque", "")
    kept = _base64_md5(user + asked.get("salt", "") + password)
    response = _base64_md5(kept + (opaque or asked.get("challenge", "")) + own_challenge)
    return "&".join(
        (
            "authmod=adobe",
            f"user={user}",
            f"challenge={own_challenge}",
            f"response={response}",
            f"opaque={opaque}",
        )
    )


def _base64_md5(text: str) -> str:
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()
