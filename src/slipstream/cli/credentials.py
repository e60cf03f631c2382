"""The commands `slipstream keys`, `users`, `operators` and `token`: make and take back credentials.

They work on the data folder, so a server that runs notices within a second, and none need run.
What is secret is printed when it is made and never again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from slipstream.cli.options import ServerDir
from slipstream.errors import SlipstreamError

if TYPE_CHECKING:
    from slipstream.access import Action, Operators, StreamKeys, Users

keys = App(
    name="keys",
    help="""Stream keys: list, add, rotate, disable, enable and remove them.

    Each is for an application, or for one of its streams. Only a hash of it is kept.

        slipstream keys add live --label studio
        slipstream keys add live/cam
        slipstream keys list
        slipstream keys rotate 1f2e3d4c
    """,
)
users = App(
    name="users",
    help="""Users with passwords, for encoders that ask for both: list, add and remove them.

    The password is read from standard input. `access.publish` must name "user".

        slipstream users add ann --app live
        slipstream users remove ann
    """,
)
operators = App(
    name="operators",
    help="""Operators, who may use the API and the console: list, add and remove them.

    Each has a token, of which only a hash is kept. The token in api.token is good for everything.

        slipstream operators add grafana --role read
        slipstream operators remove grafana
    """,
)
token = App(
    name="token",
    help="""Tokens and signed URLs: make and inspect them.

    They are signed with signing.key of the data folder.

        slipstream token make live/cam --action publish --valid 8h --max-kbps 6000
        slipstream token sign live/cam --action play --valid 10m --address 203.0.113.9
        slipstream token inspect TOKEN
    """,
)

Label = Annotated[str, Parameter(metavar="TEXT", help="What to call it, for people.")]
KeyId = Annotated[str, Parameter(help="The key's id, as listed.")]
Overlap = Annotated[
    str, Parameter(metavar="TIME", help="How long the old one is good as well: 90s, 10m, 8h, 30d.")
]
Place = Annotated[str, Parameter(help="APP or APP/NAME that it is for; * is any application.")]
OperatorName = Annotated[str, Parameter(help="The operator's name.")]
RoleName = Annotated[
    Literal["read", "operate", "admin"],
    Parameter(
        help="What the token is good for: read to look, operate to act on what runs, admin for all."
    ),
]
UserName = Annotated[str, Parameter(help="The user's name.")]
UserApp = Annotated[str, Parameter(metavar="APP", help="The only application that is theirs.")]
Stream = Annotated[str, Parameter(help="APP/NAME; in a token, * in them is any characters.")]
ActionName = Annotated[
    Literal["publish", "play"], Parameter(help="What whoever shows it may do with the stream.")
]
Valid = Annotated[str, Parameter(metavar="TIME", help="How long it is valid: 90s, 10m, 8h, 30d.")]
Address = Annotated[str, Parameter(metavar="ADDR", help="The only address that may show it.")]
Subject = Annotated[
    str, Parameter(metavar="WHO", help="Who it is for; tokens of the same may take over.")
]
Kbps = Annotated[int | None, Parameter(metavar="N", help="Kilobits a second that may be sent.")]
Width = Annotated[int | None, Parameter(metavar="N", help="Pixels that pictures may be wide.")]
Height = Annotated[int | None, Parameter(metavar="N", help="Pixels that pictures may be high.")]
Duration = Annotated[int | None, Parameter(metavar="N", help="Seconds that one may publish.")]
Viewers = Annotated[
    int | None, Parameter(metavar="N", help="Viewers that the stream may have meanwhile.")
]
Excess = Annotated[
    Literal["warn", "refuse", "cut"] | None,
    Parameter(help="What follows when more is sent than the limits allow."),
]
Token = Annotated[str, Parameter(help="A token, or APP/NAME?QUERY of a signed URL.")]

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@keys.command(name="list")
def list_keys(*, data_dir: ServerDir = None) -> None:
    """Show all keys, but for what is secret in them."""
    listed = _keys(data_dir).list()
    rows = [
        (key.id, _place(key.app, key.name), "yes" if key.enabled else "no", key.made, key.label)
        for key in listed
    ]
    _print_table(("id", "for", "enabled", "made", "label"), rows)


@keys.command(name="add")
def add_key(place: Place, /, *, label: Label = "", data_dir: ServerDir = None) -> None:
    """Make a key, and print it: it cannot be looked up later."""
    app, _, name = place.partition("/")
    _check_place(app, name)
    stored, key = _keys(data_dir).add(app, name, label)
    _print(f"key {stored.id} for {_place(app, name)}: {_stream_key(name, key)}")


@keys.command(name="rotate")
def rotate_key(key_id: KeyId, /, *, overlap: Overlap = "0s", data_dir: ServerDir = None) -> None:
    """Put a new key in the place of one, and print it.

    The old one is worth nothing from then, or after the overlap: who publishes with it is ended.
    """
    stored, key = _keys(data_dir).rotate(key_id, _seconds(overlap))
    where = _place(stored.app, stored.name)
    _print(f"key {stored.id} for {where}: {_stream_key(stored.name, key)}")


@keys.command(name="disable")
def disable_key(key_id: KeyId, /, *, data_dir: ServerDir = None) -> None:
    """Let nobody in with a key until it is enabled again. Who publishes with it is ended."""
    _keys(data_dir).disable(key_id)
    _print(f"key {key_id} is disabled")


@keys.command(name="enable")
def enable_key(key_id: KeyId, /, *, data_dir: ServerDir = None) -> None:
    """Let a key that was disabled be used again."""
    _keys(data_dir).enable(key_id)
    _print(f"key {key_id} is enabled")


@keys.command(name="remove")
def remove_key(key_id: KeyId, /, *, data_dir: ServerDir = None) -> None:
    """Forget a key. Who publishes with it is ended."""
    _keys(data_dir).remove(key_id)
    _print(f"key {key_id} is removed")


@users.command(name="list")
def list_users(*, data_dir: ServerDir = None) -> None:
    """Show all users."""
    listed = _users(data_dir).list()
    _print_table(("name", "for", "made"), [(u.name, _place(u.app, ""), u.made) for u in listed])


@users.command(name="add")
def add_user(name: UserName, /, *, app: UserApp = "*", data_dir: ServerDir = None) -> None:
    """Add a user, or give one another password."""
    from getpass import getpass

    _check_place(app, "")
    password = getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    _users(data_dir).put(name, password, app)
    _print(f'user {name} may be let in, where `access.publish` names "user"')


@users.command(name="remove")
def remove_user(name: UserName, /, *, data_dir: ServerDir = None) -> None:
    """Forget a user. Whoever publishes as this user is ended."""
    _users(data_dir).remove(name)
    _print(f"user {name} is removed")


@operators.command(name="list")
def list_operators(*, data_dir: ServerDir = None) -> None:
    """Show all operators."""
    listed = _operators(data_dir).list()
    _print_table(("name", "role", "made"), [(one.name, one.role, one.made) for one in listed])


@operators.command(name="add")
def add_operator(
    name: OperatorName, /, *, role: RoleName = "read", data_dir: ServerDir = None
) -> None:
    """Add an operator, and print the token: it cannot be looked up later."""
    from slipstream.access import Role

    _print(_operators(data_dir).add(name, Role(role)))


@operators.command(name="remove")
def remove_operator(name: OperatorName, /, *, data_dir: ServerDir = None) -> None:
    """Forget an operator, whose token is good for nothing from then on."""
    _operators(data_dir).remove(name)
    _print(f"operator {name} is removed")


@token.command(name="make")
def make_token(
    stream: Stream,
    /,
    *,
    action: ActionName,
    valid: Valid = "1h",
    subject: Subject = "",
    max_kbps: Kbps = None,
    max_width: Width = None,
    max_height: Height = None,
    max_s: Duration = None,
    max_viewers: Viewers = None,
    excess: Excess = None,
    data_dir: ServerDir = None,
) -> None:
    """Make a token (a JWT, HS256) and print it."""
    import jwt

    app, _, name = stream.partition("/")
    claims: dict[str, object] = {
        "exp": int(time.time()) + _seconds(valid),
        "action": action,
        "app": app,
        "name": name,
    }
    limits = {
        "max_kbps": max_kbps,
        "max_width": max_width,
        "max_height": max_height,
        "max_s": max_s,
        "max_viewers": max_viewers,
        "excess": excess,
    }
    policy = {name: value for name, value in limits.items() if value is not None}
    claims |= {"sub": subject} if subject else {}
    claims |= {"policy": policy} if policy else {}
    _print(jwt.encode(claims, _signing_key(data_dir), algorithm="HS256"))


@token.command(name="sign")
def sign_url(
    stream: Stream,
    /,
    *,
    action: ActionName,
    valid: Valid = "1h",
    address: Address = "",
    data_dir: ServerDir = None,
) -> None:
    """Sign a URL, and print what belongs behind its '?'."""
    from slipstream.access.signed import signed_query

    expires = int(time.time()) + _seconds(valid)
    _print(signed_query(_signing_key(data_dir), _action(action), stream, expires, address))


@token.command(name="inspect")
def inspect_token(text: Token, /, *, data_dir: ServerDir = None) -> None:
    """Show what a token says, or a signed URL, and whether signing.key has signed it."""
    import json

    import jwt

    from slipstream.access.token_keys import TokenKey
    from slipstream.access.tokens import BadTokenError, read_token

    if "?" in text:
        _inspect_signed(text, _signing_key(data_dir))
        return
    try:
        header = jwt.get_unverified_header(text)
        claims = jwt.decode(text, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise SlipstreamError(f"not a token: {error}") from error
    key = TokenKey("HS256", _signing_key(data_dir).encode())
    try:
        read_token(text, [key])
        verdict = "signed with our signing.key"
    except BadTokenError as error:
        verdict = str(error)
    _print(json.dumps({"header": header, "claims": claims}, indent=2))
    exp = claims.get("exp")
    _print(verdict + (_expiry(exp) if isinstance(exp, int | float) else ""))


def _inspect_signed(text: str, key: str) -> None:
    """Say for what a signed URL is good."""
    from slipstream.access import Action
    from slipstream.access.signed import sign
    from slipstream.access.ways import parameters

    stream, _, query = text.partition("?")
    shown = {name: values[0] for name, values in parameters(query).items()}
    expires, address = shown.get("expires", ""), shown.get("ip", "")
    if not (expires.isascii() and expires.isdecimal() and len(expires) <= 12):
        raise SlipstreamError("no signed URL: it does not say when it expires")
    for action in Action:
        if sign(key, action, stream, int(expires), address) == shown.get("sig"):
            place = f" from {address}" if address else ""
            _print(
                f"signed with our signing.key to {action} {stream}{place}{_expiry(int(expires))}"
            )
            return
    _print(f"not signed with our signing.key for {stream}{_expiry(int(expires))}")


def _expiry(at: float) -> str:
    left = at - time.time()
    return f"; expires in {left:.0f} s" if left > 0 else f"; expired {-left:.0f} s ago"


def _folder(data_dir: Path | None) -> Path:
    from slipstream.control.configuration.settings import default_data_dir

    return (data_dir or default_data_dir()).expanduser()


def _keys(data_dir: Path | None) -> StreamKeys:
    from slipstream.access import Store, StreamKeys

    return StreamKeys(Store(_folder(data_dir)))


def _users(data_dir: Path | None) -> Users:
    from slipstream.access import Store, Users

    return Users(Store(_folder(data_dir)))


def _operators(data_dir: Path | None) -> Operators:
    from slipstream.access import Operators, Store

    return Operators("", Store(_folder(data_dir)))


def _signing_key(data_dir: Path | None) -> str:
    from slipstream.access import load_keys

    return load_keys(_folder(data_dir)).signing_key


def _action(name: str) -> Action:
    from slipstream.access import Action

    return Action(name)


def _check_place(app: str, name: str) -> None:
    from slipstream.hub import stream_name

    if app != "*":
        stream_name(app, name or "x")


def _place(app: str, name: str) -> str:
    return f"{app}/{name}" if name else f"{app}/*"


def _stream_key(name: str, key: str) -> str:
    """What encoders call the stream key, to be pasted there."""
    return f"{name or 'NAME'}?key={key}"


def _seconds(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if unit not in SECONDS or not number.isdecimal() or len(number) > 9:
        raise SlipstreamError(f"{text!r} is no time: write 90s, 10m, 8h or 30d")
    return int(number) * SECONDS[unit]


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        _print("  ".join(cells).rstrip())
