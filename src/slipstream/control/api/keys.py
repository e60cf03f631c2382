"""Stream keys: listed without what is secret in them, made, rotated, disabled, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from pydantic import BaseModel, Field

from slipstream.access import Role, StoredKey, StreamKeys
from slipstream.control.api.problems import ProblemError
from slipstream.control.api.route import Call, Model, Route
from slipstream.errors import BadNameError
from slipstream.hub import stream_name

ANY_APP = "*"
NOT_FOUND = "no such key"
MAX_KEYS = 10_000


class KeyBody(Model):
    """A key that shall be."""

    app: str = Field(description="The application that it is for; `*` is any.")
    name: str = Field(
        default="", description="The rest of the stream's name that it is for; empty: any."
    )
    label: str = Field(default="", max_length=100, description="What to call it, for people.")


class RotationBody(Model):
    """How a key is rotated."""

    overlap_s: float = Field(
        default=0, ge=0, le=31_536_000, description="Seconds for which the old one is good as well."
    )


class KeyReport(BaseModel):
    """A stream key, without what is secret in it."""

    id: str = Field(description="The same after it was rotated.")
    app: str = Field(description="The application that it is for; `*` is any.")
    name: str = Field(description="The rest of the stream's name that it is for; empty: any.")
    label: str = Field(description="What it is called, for people.")
    made: str = Field(description="When, or when it was last rotated (ISO 8601).")
    enabled: bool = Field(description="Whether it lets anybody in.")


class KeyReports(BaseModel):
    """All keys, in the order in which they were made."""

    keys: list[KeyReport]


class NewKey(BaseModel):
    """A key that was just made."""

    key: str = Field(description="What is secret: it is told this once, and cannot be looked up.")
    stored: KeyReport = Field(description="What is kept of it.")


class KeysResource:
    """See the module.

    Args:
        keys: of the data folder.
    """

    def __init__(self, keys: StreamKeys) -> None:
        self._keys = keys

    def routes(self) -> Iterable[Route]:
        """All of them."""
        path = "/api/v1/keys"
        one = f"{path}/{{key}}"
        missing = {404: "There is no such key."}
        return (
            Route("GET", path, "All stream keys", self._all, KeyReports),
            Route(
                *("POST", path, "Make a stream key", self._add, NewKey, Role.ADMIN),
                body=KeyBody,
                status=201,
                problems={409: "There are too many."},
            ),
            Route(
                *("POST", f"{one}/rotate", "Put a new key in its place", self._rotate, NewKey),
                role=Role.ADMIN,
                body=RotationBody,
                problems=missing,
            ),
            Route(
                *("POST", f"{one}/disable", "Let nobody in with it", self._disable, KeyReport),
                role=Role.ADMIN,
                problems=missing,
            ),
            Route(
                *("POST", f"{one}/enable", "Let it be used again", self._enable, KeyReport),
                role=Role.ADMIN,
                problems=missing,
            ),
            Route(
                *("DELETE", one, "Remove a stream key", self._remove, None, Role.ADMIN),
                problems=missing,
            ),
        )

    async def _all(self, _: Call) -> object:
        return {"keys": [_report(key) for key in self._keys.list()]}

    async def _add(self, call: Call) -> object:
        wish: KeyBody = call.body
        _check_place(wish)
        if len(self._keys.list()) >= MAX_KEYS:
            raise ProblemError(409, f"there are {MAX_KEYS} keys, the limit")
        stored, key = self._keys.add(wish.app, wish.name, wish.label)
        return {"key": key, "stored": _report(stored)}

    async def _rotate(self, call: Call) -> object:
        wish: RotationBody = call.body
        stored, key = self._of(call, partial(self._keys.rotate, overlap_s=wish.overlap_s))
        return {"key": key, "stored": _report(stored)}

    async def _disable(self, call: Call) -> object:
        return _report(self._of(call, self._keys.disable))

    async def _enable(self, call: Call) -> object:
        return _report(self._of(call, self._keys.enable))

    async def _remove(self, call: Call) -> None:
        self._of(call, self._keys.remove)

    def _of(self, call: Call, act: Callable[[str], Any]) -> Any:
        """Act on the key that is named, if there is one."""
        key_id = call.path["key"]
        if not any(key.id == key_id for key in self._keys.list()):
            raise ProblemError(404, NOT_FOUND)
        return act(key_id)


def _check_place(wish: KeyBody) -> None:
    """Refuse what can be no stream's name."""
    try:
        stream_name("x" if wish.app == ANY_APP else wish.app, wish.name or "x")
    except BadNameError as error:
        raise ProblemError(400, str(error)) from error


def _report(key: StoredKey) -> dict[str, object]:
    return key.model_dump(include=set(KeyReport.model_fields))
