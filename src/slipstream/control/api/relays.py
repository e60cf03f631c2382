"""Relays: streams that are pushed to other servers, and pulled from them."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, Field, ValidationError

from slipstream.access import Role
from slipstream.control.api.problems import ProblemError
from slipstream.control.api.route import Call, Model, Route
from slipstream.control.mistakes import explain
from slipstream.errors import SlipstreamError
from slipstream.relays import ConflictError, RelayControl, RelayReport, Rule, read_rule
from slipstream.relays.rule import RelayKind

NOT_FOUND = "no such relay"


class RelayBody(Model):
    """A relay that shall be."""

    kind: RelayKind = Field(description="Which way.")
    stream: str = Field(description="Of which streams, APP/NAME; may have a `*`.")
    url: str = Field(
        description="With which server: rtmp://HOST/APP/NAME; `{app}` and `{name}` in it are the "
        "stream's."
    )
    on_demand: bool = Field(
        default=False, description="Of a pull: whether it runs only while somebody watches."
    )


class Relays(BaseModel):
    """All relays, those of the configuration first."""

    relays: list[RelayReport]


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
        one = f"{path}/{{id}}"
        missing = {404: "There is no such relay."}
        return (
            Route("GET", path, "All relays", self._all, Relays),
            Route(
                *("POST", path, "Add a relay", self._add, RelayReport, Role.OPERATE),
                body=RelayBody,
                status=201,
                problems={409: "There is such a relay already."},
            ),
            Route("GET", one, "One relay", self._one, RelayReport, problems=missing),
            Route(
                *("DELETE", one, "Remove a relay", self._remove, None, Role.OPERATE),
                problems={**missing, 409: "It stands in the configuration."},
            ),
            Route(
                *("POST", f"{one}/stop", "Let a relay rest", self._stop, RelayReport),
                role=Role.OPERATE,
                problems=missing,
            ),
            Route(
                *("POST", f"{one}/start", "Have a relay run again", self._start, RelayReport),
                role=Role.OPERATE,
                problems=missing,
            ),
        )

    async def _all(self, _: Call) -> object:
        return {"relays": await self._relays.reports()}

    async def _one(self, call: Call) -> object:
        return _found(await self._relays.report(call.path["id"]))

    async def _add(self, call: Call) -> object:
        try:
            return await self._relays.add(_rule(call.body))
        except ConflictError as error:
            raise ProblemError(409, str(error)) from error
        except SlipstreamError as error:
            raise ProblemError(400, str(error)) from error

    async def _remove(self, call: Call) -> None:
        try:
            removed = await self._relays.remove(call.path["id"])
        except ConflictError as error:
            raise ProblemError(409, str(error)) from error
        if not removed:
            raise ProblemError(404, NOT_FOUND)

    async def _stop(self, call: Call) -> object:
        return _found(await self._relays.stop(call.path["id"]))

    async def _start(self, call: Call) -> object:
        return _found(await self._relays.start(call.path["id"]))


def _rule(wish: RelayBody) -> Rule:
    """What is asked for.

    Raises:
        ProblemError: it is no relay; says what would be right.
    """
    values = wish.model_dump()
    if wish.kind is RelayKind.PUSH:
        del values["on_demand"]
    try:
        return read_rule(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        reason = explain(first, list(RelayBody.model_fields))
        raise ProblemError(400, f"'{name}' {reason}" if name else reason) from error


def _found(report: RelayReport | None) -> RelayReport:
    if report is None:
        raise ProblemError(404, NOT_FOUND)
    return report
