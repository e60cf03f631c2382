"""The client's part of Adobe's and Limelight's authentication: user and password for `connect`.

A server that wants them turns the client away and says so in its description; the client connects
again with more behind the application's name, twice:

    server's description                                   client's application, the next time
    code=403 need auth; authmod=adobe                      live?authmod=adobe&user=U
    authmod=adobe ] : ?reason=needauth&salt=...            live?authmod=adobe&user=U&response=...
    authmod=adobe ] : ?reason=authfailed                   (none: that was all)

Limelight's is the same with `authmod=llnw`, and a nonce instead of salt and challenge. Nothing of
it is in RTMP 1.0; FFmpeg, librtmp and OBS do the same. Both rest on MD5: better than a password in
the clear, and no more. Nothing is URL-decoded: base64 comes raw.
"""

from __future__ import annotations

from collections.abc import Mapping

from slipstream.rtmp.authentication import (
    Credentials,
    Scheme,
    adobe_hash,
    adobe_response,
    limelight_hash,
    limelight_response,
)

STEPS = 3  # connections that it takes
FIRST = "00000001"  # Limelight's count of how often a nonce has been used


def answer_challenge(
    description: str, user: str, password: str, own_challenge: str, app: str
) -> str:
    """Return what to put behind the application's name the next time; empty: nothing helps.

    Args:
        description: with which the server turned us away.
        user: as in the URL.
        password: likewise.
        own_challenge: letters and digits, of chance.
        app: the application, without what stands behind its '?'.
    """
    schemes = [scheme for scheme in Scheme if f"authmod={scheme}" in description]
    if not schemes or not user:
        return ""
    scheme = schemes[0]
    if "code=403 need auth" in description:
        return f"authmod={scheme}&user={user}"
    asked = dict(part.partition("=")[::2] for part in description.rpartition("?")[2].split("&"))
    if asked.get("reason") != "needauth":
        return ""
    if scheme is Scheme.ADOBE:
        answer = _adobe(asked, user, password, own_challenge)
    else:
        answer = _limelight(asked, user, password, own_challenge, app)
    return f"authmod={scheme}&user={user}&{answer}"


def _adobe(asked: Mapping[str, str], user: str, password: str, own: str) -> str:
    opaque = asked.get("opaque", "")
    kept = adobe_hash(user, asked.get("salt", ""), password)
    credentials = Credentials(Scheme.ADOBE, user, challenge=own, opaque=opaque)
    response = adobe_response(kept, credentials, asked.get("challenge", ""))
    return f"challenge={own}&response={response}&opaque={opaque}"


def _limelight(asked: Mapping[str, str], user: str, password: str, own: str, app: str) -> str:
    nonce = asked.get("nonce", "")
    credentials = Credentials(Scheme.LIMELIGHT, user, nonce=nonce, cnonce=own, nc=FIRST)
    response = limelight_response(limelight_hash(user, password), credentials, app)
    return f"nonce={nonce}&cnonce={own}&nc={FIRST}&response={response}"
