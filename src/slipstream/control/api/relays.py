"""Relays: which there are, how they fare; adding, removing, stopping and starting them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from slipstream.access import Role
from slipstream.control.api.problems import ProblemError
from slipstream.control.api.route import Call, Model, Route
from slipstream.control.configuration.mistakes import explain
from slipstream.errors import SlipstreamError
from slipstream.relays import (
    ConflictError,
    RelayControl,
    RelayReport,
    Rule,
    StoreError,
    read_rule,
)

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")

NO_RELAY = "There is no such relay."
NOT_KEPT = "The data folder cannot be written."


class Relays(BaseModel):
    """All relays, those of the configuration first."""

    relays: list[RelayReport]


class RelayBody(Model):
    """A relay to be added."""

    kind: Literal["push", "pull"] = Field(description="Whether it is sent there or fetched.")
    stream: str = Field(description="Which streams, APP/NAME; `*` stands for any letters.")
    url: str = Field(
        description="Where to or from, rtmp://HOST/APP/NAME; `{app}` and `{name}` are the stream's."
    )
    on_demand: bool = Field(
        default=False, description="Of a pull: only while somebody watches; needed with a `*`."
    )


class RelaysResource:
    """See the module.

    Args:
        relays: of the whole server.
    """

    def __init__(self, relays: RelayControl) -> None:
        self._relays = relays

    def routes(self) -> Iterable[Route]:
        """All of them."""
        path = "/api/v1/relays"
        one = f"{path}/{{relay}}"
        return (
            Route("GET", path, "All relays", self._all, Relays),
            Route(
                *("POST", path, "Add a relay", self._add, RelayReport, Role.ADMIN),
                body=RelayBody,
                status=201,
                problems={409: "There is such a relay.", 503: NOT_KEPT},
            ),
            Route("GET", one, "A relay", self._one, RelayReport, problems={404: NO_RELAY}),
            Route(
                *("DELETE", one, "Remove a relay", self._remove),
                role=Role.ADMIN,
                status=204,
                problems={404: NO_RELAY, 409: "It stands in the configuration.", 503: NOT_KEPT},
            ),
            Route(
                *("POST", f"{one}/stop", "Let a relay rest", self._stop, RelayReport),
                role=Role.OPERATE,
                problems={404: NO_RELAY, 503: NOT_KEPT},
            ),
            Route(
                *("POST", f"{one}/start", "Have a relay run again", self._start, RelayReport),
                role=Role.OPERATE,
                problems={404: NO_RELAY, 503: NOT_KEPT},
            ),
        )

    async def _all(self, _: Call) -> object:
        return {"relays": await self._relays.reports()}

    async def _one(self, call: Call) -> object:
        return _found(await self._relays.report(call.path["relay"]))

    async def _add(self, call: Call) -> object:
        return await _done(self._relays.add, _rule(call.body))

    async def _remove(self, call: Call) -> object:
        if not await _done(self._relays.remove, call.path["relay"]):
            raise ProblemError(404, "no such relay")
        return None

    async def _stop(self, call: Call) -> object:
        return _found(await _done(self._relays.stop, call.path["relay"]))

    async def _start(self, call: Call) -> object:
        return _found(await _done(self._relays.start, call.path["relay"]))


def _rule(wish: RelayBody) -> Rule:
    """What is asked for, if it makes sense.

    Raises:
        ProblemError: it does not.
    """
    without = {"on_demand"} if wish.kind == "push" and not wish.on_demand else set()
    try:
        return read_rule(wish.model_dump(exclude=without))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        reason = explain(first, list(RelayBody.model_fields))
        raise ProblemError(400, f"'{name}': {reason}" if name else reason) from error


async def _done(do: Callable[[Argument], Awaitable[Answer]], argument: Argument) -> Answer:
    """What it answers; what it raises as a problem."""
    try:
        return await do(argument)
    except ConflictError as error:
        raise ProblemError(409, str(error)) from error
    except StoreError as error:
        raise ProblemError(503, str(error)) from error
    except SlipstreamError as error:
        raise ProblemError(400, str(error)) from error


def _found(answer: Answer | None) -> Answer:
    if answer is None:
        raise ProblemError(404, "no such relay")
    return answer
