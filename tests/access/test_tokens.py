"""Tokens: every algorithm, every claim, every way to cheat that is known."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from slipstream.access import AccessSettings, Decision, Policy
from slipstream.access.token_keys import KeyAddress, read_keys
from slipstream.access.tokens import Claims, read_token
from slipstream.errors import SlipstreamError
from tests.access.stage import NOW, claims, gate, playing, publishing, token

SETTINGS = AccessSettings(publish="token", play="token")
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
GOOD = token()


def pem(key: Any) -> bytes:
    public: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public


def jwks(**keys: Any) -> bytes:
    """A JWKS as identity providers serve it."""
    listed = []
    for kid, key in keys.items():
        kind = jwt.algorithms.RSAAlgorithm if key is RSA else jwt.algorithms.OKPAlgorithm
        listed.append({**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "use": "sig"})
    return json.dumps({"keys": listed}).encode()


def decide(shown: str, settings: AccessSettings = SETTINGS, stream: str = "live/cam") -> Decision:
    return gate(settings).decide(publishing(f"token={shown}", stream), 0.0)


def with_keys(tmp_path: Path, data: bytes) -> AccessSettings:
    path = tmp_path / "keys"
    path.write_bytes(data)
    return SETTINGS.model_copy(update={"token_keys": str(path)})


def test_a_token_lets_in_for_what_it_says() -> None:
    decision = decide(GOOD)
    assert decision.allowed
    assert decision.credential.startswith("token:")


def test_public_keys_and_secrets_come_from_files(tmp_path: Path) -> None:
    assert decide(token(RSA, "RS256"), with_keys(tmp_path, pem(RSA))).allowed
    assert decide(token(ED25519, "EdDSA"), with_keys(tmp_path, pem(ED25519))).allowed
    assert decide(token("s" * 32), with_keys(tmp_path, b"s" * 32 + b"\n")).allowed


def test_a_jwks_has_a_key_for_each_name(tmp_path: Path) -> None:
    settings = with_keys(tmp_path, jwks(a=RSA, b=ED25519))
    assert decide(token(RSA, "RS256", kid="a"), settings).allowed
    assert decide(token(ED25519, "EdDSA", kid="b"), settings).allowed
    assert decide(token(ED25519, "EdDSA"), settings).allowed
    assert not decide(token(ED25519, "EdDSA", kid="a"), settings).allowed


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    settings = with_keys(tmp_path, b"a" * 32)
    door = gate(settings)
    assert door.decide(publishing(f"token={token('a' * 32)}"), 0.0).allowed
    with_keys(tmp_path, b"b" * 33)
    assert not door.decide(publishing(f"token={token('a' * 32)}"), 0.0).allowed
    assert door.decide(publishing(f"token={token('b' * 33)}"), 0.0).allowed


def unsigned(**header: str) -> str:
    parts = ({"typ": "JWT", **header}, claims())
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return (b".".join(encoded) + b".").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "RS256", ""])
def test_a_token_without_a_signature_is_wrong(tmp_path: Path, algorithm: str) -> None:
    assert decide(unsigned(alg=algorithm)).reason == "wrong token"
    settings = with_keys(tmp_path, pem(RSA))
    assert decide(unsigned(alg=algorithm), settings).reason == "wrong token"


def test_a_public_key_is_no_secret(tmp_path: Path) -> None:
    import hashlib
    import hmac

    head, body, _ = unsigned(alg="HS256").split(".")
    digest = hmac.digest(pem(RSA).strip(), f"{head}.{body}".encode(), hashlib.sha256)
    swapped = f"{head}.{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    assert decide(swapped, with_keys(tmp_path, pem(RSA))).reason == "wrong token"


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 6))
def test_a_flipped_bit_breaks_it(at: int, bit: int) -> None:
    flipped = GOOD[:at] + chr(ord(GOOD[at]) ^ 1 << bit) + GOOD[at + 1 :]
    if _bytes(flipped) != _bytes(GOOD):
        assert not decide(flipped).allowed


def _bytes(shown: str) -> list[bytes] | None:
    """What the parts stand for: the last digit of base64 has bits that mean nothing."""
    try:
        return [base64.urlsafe_b64decode(part + "==") for part in shown.split(".")]
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"exp": NOW}, "expired"),
        ({"nbf": NOW + 1}, "not valid yet"),
        ({"action": "play"}, "another action"),
        ({"app": "school"}, "another stream"),
        ({"name": "ca"}, "another stream"),
        ({"iss": "them"}, "another issuer"),
        ({"aud": "them"}, "another audience"),
    ],
)
def test_a_genuine_token_for_something_else_is_no_guess(said: dict[str, Any], reason: str) -> None:
    settings = SETTINGS.model_copy(update={"token_issuer": "us", "token_audience": "here"})
    door = gate(settings)
    good = {"iss": "us", "aud": ["here", "there"]}
    assert decide(token(**good), settings).allowed
    decision = door.decide(publishing(f"token={token(**{**good, **said})}"), 0.0)
    assert not decision.allowed
    assert reason in decision.reason
    assert door.failures.total == 0


@pytest.mark.parametrize("claim", ["exp", "action", "app", "name"])
def test_a_token_that_does_not_say_what_it_is_for_is_wrong(claim: str) -> None:
    assert decide(token(**{claim: None})).reason == "wrong token"


@pytest.mark.parametrize(
    "said",
    [
        {"exp": "soon"},
        {"exp": float("inf")},
        {"exp": [NOW + 60]},
        {"app": 1},
        {"action": []},
        {"action": "admin"},
        {"policy": {"max_kbps": -1}},
        {"policy": {"max_speed": 1}},
    ],
)
def test_claims_of_the_wrong_kind_are_wrong(said: dict[str, Any]) -> None:
    assert decide(token(**said)).reason == "wrong token"


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [("*", True), ("cam", True), ("c*", True), ("*m", True), ("c*a*m", True), ("cam*", True),
     ("c*x*m", False), ("ca*am", False), ("", False), ("?am", False), ("[c]am", False)],
)  # fmt: skip
def test_names_are_patterns(pattern: str, fits: bool) -> None:
    assert decide(token(name=pattern)).allowed is fits


def test_policy_comes_with_the_decision() -> None:
    decision = decide(token(policy={"max_kbps": 1000, "excess": "warn"}))
    assert decision.policy == Policy(max_kbps=1000, excess="warn")


def test_the_same_subject_may_take_over_with_another_token() -> None:
    first, later, other = (
        decide(token(sub=sub, exp=NOW + exp)).credential
        for sub, exp in (("ann", 1), ("ann", 2), ("bob", 1))
    )
    assert first == later != other


def test_weak_keys_are_refused() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    for data in (b"short", pem(small), b"{}", b'{"keys":[]}', b"-----BEGIN PUBLIC KEY-----\nx"):
        with pytest.raises(SlipstreamError):
            read_keys(data)


@given(st.text(max_size=300))
def test_any_text_is_refused_as_a_token(text: str) -> None:
    assert not decide(text).allowed


def test_players_that_show_it_again_and_again_are_told_when_it_has_expired() -> None:
    now = [NOW]
    door = gate(SETTINGS, clock=lambda: now[0])
    shown = playing(f"token={token(action='play')}")
    assert door.decide(shown, 0.0).allowed
    now[0] += 60
    assert door.decide(shown, 0.0).reason == "the token has expired"


class Provider:
    """Serves keys, or fails."""

    def __init__(self, data: bytes) -> None:
        self.data: bytes | None = data
        self.fetched = 0

    def __call__(self, url: str) -> bytes:
        self.fetched += 1
        if self.data is None:
            raise OSError(url)
        return self.data


async def test_keys_at_an_address_are_fetched_before_the_first_token() -> None:
    provider = Provider(jwks(a=RSA))
    keys = KeyAddress("https://id.example/jwks", provider)
    assert keys.read("a", 0.0) is None
    await keys.load(0.0)
    read = keys.read("a", 1.0)
    assert read is not None
    assert isinstance(read_token(token(RSA, "RS256", kid="a"), read), Claims)
    assert provider.fetched == 1


async def test_an_unknown_key_is_fetched_but_not_too_often() -> None:
    provider = Provider(jwks(a=RSA))
    keys = KeyAddress("https://id.example/jwks", provider)
    await keys.load(0.0)
    assert keys.read("b", 29.0) is not None
    assert keys.read("b", 31.0) is None
    provider.data = jwks(b=ED25519)
    await keys.load(31.0)
    assert [key.id for key in keys.read("b", 32.0) or ()] == ["b"]


async def test_what_was_known_stays_while_the_address_fails() -> None:
    provider = Provider(jwks(a=RSA))
    keys = KeyAddress("https://id.example/jwks", provider)
    await keys.load(0.0)
    provider.data = None
    assert keys.read("a", 301.0) is not None
    await keys.load(301.0)
    assert provider.fetched == 2
    assert [key.id for key in keys.read("a", 302.0) or ()] == ["a"]


def test_a_token_may_come_in_a_header_but_two_different_ones_are_none() -> None:
    good, other = token(action="play"), token(action="play", sub="ann")
    door = gate(AccessSettings(play="token"))
    for query, bearer, allowed in (
        ("", good, True),
        (f"token={good}", good, True),
        (f"token={other}", good, False),
        ("", f"{good[:-4]}AAAA", False),
        ("", "", False),
    ):
        decision = door.decide(playing(query, bearer=bearer), 0.0)
        assert decision.allowed is allowed, (query, bearer)
        assert decision.guess is (not allowed and bool(bearer))
