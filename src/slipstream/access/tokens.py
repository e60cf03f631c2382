"""Tokens: a JWT signed with HS256, RS256 or EdDSA.

It is shown as `?token=...`, or over HTTP as `Authorization: Bearer ...` (RFC 6750).

Its claims say for what it is good, and all of the first four must be there:

    exp      until when, in seconds since 1970
    action   "publish" or "play", or a list of them
    app      pattern for the first part of the stream's name, in which * is any characters
    name     pattern for the rest
    nbf, iss, aud, sub    as in RFC 7519; whoever has the same `sub` may take a stream over
    policy   limits for who publishes with it: see `Policy`
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import jwt
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from slipstream.access.policy import NO_POLICY, Policy
from slipstream.access.request import Decision, Grant
from slipstream.access.token_keys import Fixed, Source, TokenKey, source_of
from slipstream.access.ways import Shown, app_and_name, matches, refusal, wrong

MAX_TOKEN = 4096  # characters
MAX_KNOWN = 4096  # tokens whose signature has been checked, about 2 KB each
CREDENTIAL_DIGITS = 12

ActionName = Literal["publish", "play"]
PENDING = Decision(allowed=False, reason="the keys of tokens are not here yet", undecided=True)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Claims(BaseModel):
    """What a token says; other claims are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    exp: float = Field(allow_inf_nan=False)
    action: Annotated[list[ActionName], BeforeValidator(_listed), Field(min_length=1)]
    app: str
    name: str
    nbf: float | None = Field(default=None, allow_inf_nan=False)
    iss: str = ""
    aud: Annotated[list[str], BeforeValidator(_listed)] = []
    sub: str = ""
    policy: Policy = NO_POLICY


class BadTokenError(Exception):
    """A token that is not ours: anything but a right signature over claims that can be read."""


class TokenWay:
    """Lets in who shows a token.

    Args:
        default: the signing key of the server.
        source: makes the keys' source, of what the settings name.
    """

    def __init__(self, default: str, source: Callable[[str], Source] = source_of) -> None:
        keys = [TokenKey("HS256", default.encode())] if default else []
        self._sources: dict[str, Source] = {"": Fixed(keys)}
        self._source = source
        self._known: OrderedDict[tuple[str, str], tuple[Sequence[TokenKey], Claims]] = OrderedDict()

    def is_shown(self, shown: Shown) -> bool:
        """Whether there is a `token`, or a bearer."""
        return bool(shown.request.bearer) or "token" in shown.parameters

    def check(self, shown: Shown) -> Decision:
        """Whether it is good for this; undecided until the keys that it needs are fetched."""
        token, place = shown.token, shown.settings.token_keys
        try:
            keys = self._source_of(place).read(key_id(token), shown.time)
            if keys is None:
                return PENDING
            if not keys:
                return refusal("there is no key to check tokens with")
            claims = self._claims(token, place, keys)
        except BadTokenError:
            return wrong("wrong token")
        reason = _mismatch(claims, shown)
        if reason:
            return refusal(reason)
        who = f"sub\n{claims.sub}" if claims.sub else token
        credential = hashlib.sha256(who.encode(errors="backslashreplace")).hexdigest()
        return Decision(
            allowed=True,
            credential=f"token:{credential[:CREDENTIAL_DIGITS]}",
            policy=claims.policy,
            grant=Grant("token", expires=claims.exp),
        )

    def revoked(self, grant: Grant, time: float) -> str:  # noqa: ARG002
        """It only expires."""
        return ""

    async def load(self, place: str, time: float) -> None:
        """Fetch the keys at a place, for which a decision waits."""
        await self._source_of(place).load(time)

    def _source_of(self, place: str) -> Source:
        source = self._sources.get(place)
        if source is None:
            source = self._sources[place] = self._source(place)
        return source

    def _claims(self, token: str, place: str, keys: Sequence[TokenKey]) -> Claims:
        """What a token says; players show the same one several times a second."""
        known = self._known.get((place, token))
        if known is not None and known[0] is keys:
            return known[1]
        claims = read_token(token, keys)
        self._known[place, token] = keys, claims
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return claims


def read_token(token: str, keys: Sequence[TokenKey]) -> Claims:
    """Check the signature; return what the token says, also if it has expired.

    Raises:
        BadTokenError: no key of these has signed it, or it does not say what it must.
    """
    named = key_id(token)
    for key in keys:
        if named and key.id and key.id != named:
            continue
        try:
            claims = jwt.decode(token, key.key, algorithms=[key.algorithm], options=_SIGNATURE_ONLY)
            return Claims.model_validate(claims)
        except jwt.PyJWTError:
            continue
        except ValidationError as error:
            where = ", ".join(str(one["loc"][0]) for one in error.errors())
            raise BadTokenError(f"claims that are missing or wrong: {where}") from error
    raise BadTokenError("no key of ours has signed it")


@lru_cache(1024)  # 80 us, and players show the same one several times a second
def key_id(token: str) -> str:
    """The name of the key that a token says has signed it.

    Raises:
        BadTokenError: it is no token.
    """
    if not token or len(token) > MAX_TOKEN or not token.isascii():
        raise BadTokenError("not a token")
    try:
        named = jwt.get_unverified_header(token).get("kid", "")
    except (jwt.PyJWTError, ValueError) as error:
        raise BadTokenError("not a token") from error
    return named if isinstance(named, str) else ""


# Times, issuer and audience are looked at here: a token that is right otherwise is no guess.
_SIGNATURE_ONLY: Any = {
    "verify_signature": True,
    **dict.fromkeys(
        ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub"), False
    ),
    "verify_jti": False,
}


def _mismatch(claims: Claims, shown: Shown) -> str:
    """Why a genuine token is not good for this; empty if it is."""
    settings, request = shown.settings, shown.request
    app, name = app_and_name(request.stream)
    if claims.exp <= shown.time:
        return "the token has expired"
    if claims.nbf is not None and claims.nbf > shown.time:
        return "the token is not valid yet"
    if str(request.action) not in claims.action:
        return "the token is for another action"
    if not (matches(claims.app, app) and matches(claims.name, name)):
        return "the token is for another stream"
    if settings.token_issuer and claims.iss != settings.token_issuer:
        return "the token is of another issuer"
    if settings.token_audience and settings.token_audience not in claims.aud:
        return "the token is for another audience"
    return ""
