"""The ways of access: what is shown in each, and what comes of it.

One server has an application for each way, of the same name; who shows what is in `CASES`. An
application of ours decides in the way `hook`: it knows the tickets that `ticket()` makes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import time
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from slipstream.access import Action, Store, StreamKeys, Users
from slipstream.access.signed import signed_query
from tests.server import RunningServer, running_server

MINUTE_S = 60
WRONG = "0123456789abcdef0123456789abcdef"
OTHER = {Action.PUBLISH: Action.PLAY, Action.PLAY: Action.PUBLISH}
PUBLIC = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

SETTINGS = """
[streams]
grace_s = 0.5
wait_s = 2

[apps.key.access]
play = "key"

[apps.signed.access]
publish = "signed"
play = "signed"

[apps.HS256.access]
publish = "token"
play = "token"

[apps.RS256.access]
publish = "token"
play = "token"
token_keys = "{folder}/rsa.pem"

[apps.EdDSA.access]
publish = "token"
play = "token"
token_keys = "{folder}/ed25519.pem"

[apps.adobe.access]
publish = "user"
play = "user"

[apps.limelight.access]
publish = "user"
play = "user"
user_scheme = "llnw"

[apps.addresses.access]
publish = "anonymous"
publish_allow = ["127.8.0.0/16"]
publish_deny = ["127.8.9.0/24"]
play_allow = ["127.8.0.0/16"]
play_deny = ["127.8.9.0/24"]

[apps.hook.access]
publish = "hook"
play = "hook"
[apps.hook.hooks]
ask_publish = "{backend}"
ask_play = "{backend}"
"""


class Shown(NamedTuple):
    """What a client is given."""

    query: str = ""
    user: str = ""
    """`name:password`."""
    address: str = ""
    """Where it is to come from; empty: from any that nobody has come from."""


class Issuer:
    """Makes credentials, as whoever runs the server would.

    Args:
        folder: the server's data folder; the public keys for tokens are put there.
    """

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder)
        self._folder = folder
        self._private: Mapping[str, Any] = {
            "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }
        self._strange = {
            "HS256": WRONG,
            "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }
        for algorithm, file in (("RS256", "rsa.pem"), ("EdDSA", "ed25519.pem")):
            public = self._private[algorithm].public_key().public_bytes(*PUBLIC)
            (folder / file).write_bytes(public)

    @property
    def _signing_key(self) -> str:
        return (self._folder / "signing.key").read_text().strip()

    def key(self, stream: str, *, enabled: bool = True) -> str:
        """A stream key."""
        keys = StreamKeys(self._store)
        stored, key = keys.add(*stream.split("/"))
        if not enabled:
            keys.disable(stored.id)
        return f"key={key}"

    def signature(self, action: Action, stream: str, *, left_s: int = MINUTE_S) -> str:
        """A signed URL's query."""
        return signed_query(self._signing_key, action, stream, int(time()) + left_s)

    def token(
        self,
        action: Action,
        stream: str,
        *,
        left_s: int = MINUTE_S,
        by: str = "HS256",
        strange: bool = False,
    ) -> str:
        """A token, signed by an algorithm; by a strange key if so."""
        app, name = stream.split("/")
        claims = {"exp": time() + left_s, "action": str(action), "app": app, "name": name}
        keys = self._strange if strange else {"HS256": self._signing_key, **self._private}
        return f"token={jwt.encode(claims, keys[by], algorithm=by)}"


def ticket(action: Action, stream: str, *, left_s: int = MINUTE_S) -> str:
    """What the application that is asked understands."""
    return f"ticket={action}-{stream.replace('/', '-')}-{time() + left_s:.0f}"


@contextmanager
def asked() -> Iterator[str]:
    """The application that is asked; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(_answer(question)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def _answer(question: Mapping[str, Any]) -> Mapping[str, object]:
    (shown,) = parse_qs(question["query"].lstrip("?")).get("ticket", ["--0"])
    action, app, name, until = f"{shown}----".split("-")[:4]
    if action != question["question"]:
        return {"allow": False, "reason": "a ticket for another action"}
    if f"{app}/{name}" != question["stream"]:
        return {"allow": False, "reason": "a ticket for another stream"}
    return {"allow": float(until) > time(), "reason": "an old ticket"}


class Case(NamedTuple):
    """Somebody shows something in one of the ways.

    Args:
        way: the application.
        shows: in words.
        make: what it is, for an action and a stream.
        reason: why it is not good, in the log; empty: it is.
    """

    way: str
    shows: str
    make: Callable[[Issuer, Action, str], Shown]
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.way}, {self.shows}"

    @property
    def is_turned_away_at_once(self) -> bool:
        """By the answer to `connect`, before it is said what is wanted."""
        return self.reason == "wrong user or password"


def _other(stream: str) -> str:
    return f"{stream.partition('/')[0]}/other"


def _tokens(by: str) -> tuple[Case, ...]:
    def token(
        issuer: Issuer,
        action: Action,
        stream: str,
        *,
        left_s: int = MINUTE_S,
        strange: bool = False,
    ) -> Shown:
        return Shown(issuer.token(action, stream, left_s=left_s, by=by, strange=strange))

    late = partial(token, left_s=-1)
    return (
        Case(by, "its own", token),
        Case(by, "one signed by others", partial(token, strange=True), "wrong token"),
        Case(by, "an expired one", late, "the token has expired"),
        Case(
            by,
            "one for another stream",
            lambda i, action, stream: token(i, action, _other(stream)),
            "the token is for another stream",
        ),
        Case(
            by,
            "one for another action",
            lambda i, action, stream: token(i, OTHER[action], stream),
            "the token is for another action",
        ),
    )


def _from(address: str) -> Callable[[Issuer, Action, str], Shown]:
    return lambda _issuer, _action, _stream: Shown(address=address)


def _users(way: str) -> tuple[Case, ...]:
    return (
        Case(way, "the password", lambda *_: Shown(user="ann:secret")),
        Case(way, "another password", lambda *_: Shown(user="ann:guess"), "wrong user or password"),
        Case(way, "nobody's name", lambda *_: Shown(user="bob:secret"), "wrong user or password"),
        Case(
            way,
            "a user of another application",
            lambda *_: Shown(user="eve:secret"),
            "the user is for another application",
        ),
    )


CASES: tuple[Case, ...] = (
    Case("key", "the stream's", lambda i, _, stream: Shown(i.key(stream))),
    Case("key", "a wrong one", lambda *_: Shown(f"key={WRONG}"), "wrong key"),
    Case(
        "key",
        "a disabled one",
        lambda i, _, stream: Shown(i.key(stream, enabled=False)),
        "key [0-9a-f]+ is disabled",
    ),
    Case(
        "key",
        "another stream's",
        lambda i, _, stream: Shown(i.key(_other(stream))),
        "key [0-9a-f]+ is for another stream",
    ),
    Case("key", "nothing", lambda *_: Shown(), "no key"),
    Case("signed", "its own", lambda i, action, stream: Shown(i.signature(action, stream))),
    Case(
        "signed",
        "an altered one",
        lambda i, action, stream: Shown(i.signature(action, stream)[:-4] + "AAAA"),
        "wrong signature",
    ),
    Case(
        "signed",
        "an expired one",
        lambda i, action, stream: Shown(i.signature(action, stream, left_s=-1)),
        "the signed URL has expired",
    ),
    Case(
        "signed",
        "one for another stream",
        lambda i, action, stream: Shown(i.signature(action, _other(stream))),
        "wrong signature, or for another stream",
    ),
    Case(
        "signed",
        "one for another action",
        lambda i, action, stream: Shown(i.signature(OTHER[action], stream)),
        "wrong signature, or for another stream, action",
    ),
    *_tokens("HS256"),
    *_tokens("RS256"),
    *_tokens("EdDSA"),
    *_users("adobe"),
    *_users("limelight"),
    Case("addresses", "one that is allowed", _from("127.8.0.1")),
    Case("addresses", "one that is not listed", lambda *_: Shown(), "not from this address"),
    Case("addresses", "one that is denied", _from("127.8.9.1"), "not from this address"),
    Case("hook", "its ticket", lambda _, action, stream: Shown(ticket(action, stream))),
    Case("hook", "nothing", lambda *_: Shown(), "a ticket for another action"),
    Case(
        "hook",
        "an old ticket",
        lambda _, action, stream: Shown(ticket(action, stream, left_s=-1)),
        "an old ticket",
    ),
    Case(
        "hook",
        "one for another stream",
        lambda _, action, stream: Shown(ticket(action, _other(stream))),
        "a ticket for another stream",
    ),
    Case(
        "hook",
        "one for another action",
        lambda _, action, stream: Shown(ticket(OTHER[action], stream)),
        "a ticket for another action",
    ),
)

WAYS = tuple(dict.fromkeys(case.way for case in CASES))


def right(way: str) -> Case:
    """What opens the door."""
    return next(case for case in CASES if case.way == way and not case.reason)


class Guarded(NamedTuple):
    """A server with an application for each way, and who makes credentials for it."""

    server: RunningServer
    issuer: Issuer


@contextmanager
def guarded_server(folder: Path) -> Iterator[Guarded]:
    """The server, until the end of the block."""
    issuer = Issuer(folder)
    with asked() as backend:
        settings = SETTINGS.format(folder=folder, backend=backend)
        with running_server(folder, settings=settings) as server:
            users = Users(Store(folder))
            users.put("ann", "secret")
            users.put("eve", "secret", "elsewhere")
            yield Guarded(server, issuer)
