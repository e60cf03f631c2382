"""Authentication in `connect`, as Adobe and Limelight did it: `authmod=adobe`, `authmod=llnw`.

The server turns a client away with a description that FFmpeg, OBS, librtmp and GStreamer search
for key words; each then connects again with more behind the application's name:

    client  app                                    server's description
    1       live                                   code=403 need auth; authmod=adobe
    2       live?authmod=adobe&user=U              ?reason=needauth&user=U&salt=...&challenge=...
    3       live?authmod=adobe&user=U&response=... (accepted), or ?reason=authfailed

Nothing of it is in RTMP 1.0. Both schemes rest on MD5, which is what they are: better than a
password in the clear, and no more. Parameters are not URL-decoded: base64 comes raw.
"""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum
from typing import NamedTuple

MAX_VALUE = 512  # characters of a parameter; clients send up to 200
PARAMETERS = (
    "authmod", "user", "challenge", "response", "opaque", "nonce", "cnonce", "nc"
)  # fmt: skip


class Scheme(StrEnum):
    """The two, by the names that they have on the wire."""

    ADOBE = "adobe"
    LIMELIGHT = "llnw"


class Credentials(NamedTuple):
    """What a client has put behind the application's name."""

    scheme: Scheme
    user: str
    response: str = ""
    """Empty in the second step."""
    challenge: str = ""
    """Adobe: the client's own."""
    opaque: str = ""
    nonce: str = ""
    cnonce: str = ""
    nc: str = ""


def parse_credentials(query: str) -> Credentials | None:
    """Read the query of an application; None if it is about something else."""
    values: dict[str, str] = {}
    for part in query.split("&"):
        # rtmp://host/live?authmod=adobe becomes live?authmod=adobe?authmod=adobe&user=U.
        name, _, value = part.rpartition("?")[2].partition("=")
        if name in PARAMETERS and len(value) <= MAX_VALUE:
            values[name] = value
    scheme = values.pop("authmod", "")
    if scheme not in list(Scheme) or not values.get("user"):
        return None
    return Credentials(Scheme(scheme), **values)


def without_credentials(query: str) -> str:
    """What else there is in a query."""
    parts = query.split("&")
    return "&".join(part for part in parts if part.partition("=")[0] not in PARAMETERS)


def need_authentication(scheme: Scheme) -> str:
    """Describe the first refusal, which asks for a user."""
    return f"[ AccessManager.Reject ] : [ code=403 need auth; authmod={scheme} ] : "


def adobe_challenge(user: str, salt: str, challenge: str) -> str:
    """Describe the second refusal; what is opaque is all that the client sends back of it."""
    what = f"user={user}&salt={salt}&challenge={challenge}&opaque={challenge}"
    return f"[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&{what}"


def limelight_challenge(user: str, nonce: str) -> str:
    """Describe the second refusal in Limelight's way."""
    what = f"user={user}&nonce={nonce}"
    return f"[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=needauth&{what}"


def authentication_failed(scheme: Scheme, challenge: str) -> str:
    """Describe the last refusal: no such user and a wrong password are one."""
    return (
        f"[ AccessManager.Reject ] : [ authmod={scheme} ] : ?reason=authfailed&opaque={challenge}"
    )


def adobe_hash(user: str, salt: str, password: str) -> str:
    """What the server keeps of a password for Adobe's scheme."""
    return _base64_md5(user + salt + password)


def adobe_response(kept: str, credentials: Credentials, challenge: str) -> str:
    """The right response: the client mixes in what was opaque, or else the challenge."""
    return _base64_md5(kept + (credentials.opaque or challenge) + credentials.challenge)


def limelight_hash(user: str, password: str) -> str:
    """What the server keeps of a password for Limelight's scheme."""
    return _md5(f"{user}:live:{password}")


def limelight_response(kept: str, credentials: Credentials, app: str) -> str:
    """The right response."""
    place = app if "/" in app else f"{app}/_definst_"
    inner = _md5(f"publish:/{place}")
    c = credentials
    return _md5(f"{kept}:{c.nonce}:{c.nc}:{c.cnonce}:auth:{inner}")


def _md5(text: str) -> str:
    data = text.encode(errors="surrogateescape")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _base64_md5(text: str) -> str:
    data = text.encode(errors="surrogateescape")
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
