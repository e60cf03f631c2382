"""The API's routes for relays.

GET /relays                   all
POST /relays                  add one
GET /relays/{id}              one
DELETE /relays/{id}           remove one that was added here
POST /relays/{id}/stop        let one rest
POST /relays/{id}/start       have it run again
"""

from __future__ import annotations

import orjson
from aiohttp import web
from pydantic import ValidationError

from slipstream.control.mistakes import explain
from slipstream.control.problems import problem
from slipstream.errors import SlipstreamError
from slipstream.relays import ConflictError, RelayControl, RelayReport, Rule, read_rule

NOT_FOUND = "no such relay"


class RelayRoutes:
    """Call `add_to()` once; who may come is for the application to say.

    Args:
        relays: of the whole server.
    """

    def __init__(self, relays: RelayControl) -> None:
        self._relays = relays

    def add_to(self, app: web.Application) -> None:
        """Answer on these routes."""
        app.router.add_get("/relays", self._list)
        app.router.add_post("/relays", self._add)
        app.router.add_get("/relays/{id}", self._show)
        app.router.add_delete("/relays/{id}", self._remove)
        app.router.add_post("/relays/{id}/stop", self._stop)
        app.router.add_post("/relays/{id}/start", self._start)

    async def _list(self, _: web.Request) -> web.Response:
        return _json({"relays": await self._relays.reports()})

    async def _show(self, request: web.Request) -> web.Response:
        return _one(await self._relays.report(request.match_info["id"]))

    async def _add(self, request: web.Request) -> web.Response:
        try:
            rule = _rule(await request.read())
            report = await self._relays.add(rule)
        except ConflictError as error:
            return problem(409, str(error))
        except (SlipstreamError, ValueError) as error:
            return problem(400, str(error))
        return _json(report, 201)

    async def _remove(self, request: web.Request) -> web.Response:
        try:
            removed = await self._relays.remove(request.match_info["id"])
        except ConflictError as error:
            return problem(409, str(error))
        return web.Response(status=204) if removed else problem(404, NOT_FOUND)

    async def _stop(self, request: web.Request) -> web.Response:
        return _one(await self._relays.stop(request.match_info["id"]))

    async def _start(self, request: web.Request) -> web.Response:
        return _one(await self._relays.start(request.match_info["id"]))


def _rule(body: bytes) -> Rule:
    """What the body asks for.

    Raises:
        ValueError: it is no JSON, or no relay; the message says what would be right.
    """
    try:
        return read_rule(orjson.loads(body))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        reason = explain(first, ("stream", "url", "on_demand"))
        raise ValueError(f"'{name}' {reason}" if name else reason) from error


def _one(report: RelayReport | None) -> web.Response:
    return problem(404, NOT_FOUND) if report is None else _json(report)


def _json(report: object, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(report),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
