"""Joins the parts of the API: every route, who may use it, and the document of them all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from functools import cached_property

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from slipstream.access import Operators, Role
from slipstream.control.alerts.alarm import Alarm
from slipstream.control.api.bearer import Bearer
from slipstream.control.api.config import ConfigResource
from slipstream.control.api.connections import Connections
from slipstream.control.api.document import Schema, document
from slipstream.control.api.events import EventsResource
from slipstream.control.api.following import Following
from slipstream.control.api.health import METRICS, Health
from slipstream.control.api.logs import LogsResource
from slipstream.control.api.problems import ProblemError, problem
from slipstream.control.api.route import Call, Resource, Route
from slipstream.control.api.server import Server
from slipstream.control.api.streams import StreamsResource
from slipstream.control.configuration.config import Config
from slipstream.control.configuration.live import LiveConfig
from slipstream.control.metrics.counters import Counters
from slipstream.control.metrics.vitals import Vitals
from slipstream.control.parts import Parts
from slipstream.control.reports.overview import Overview
from slipstream.errors import SlipstreamError

log = structlog.get_logger()

PREFIX = "/api/v1"


class Api:
    """Call `add_to()` once.

    Attributes:
        overview: asks all workers.
        following: those who follow what happens.

    Args:
        parts: of this worker, just made.
        live: the configuration in force.
        tokens: one of which has to be shown.
        resources: further parts of the API.
    """

    def __init__(
        self,
        parts: Parts,
        live: LiveConfig,
        tokens: Operators,
        resources: Iterable[Resource] = (),
    ) -> None:
        self._parts = parts
        self._live = live
        self._bearer = Bearer(tokens, parts.peers, parts.worker)
        counters = Counters(parts)
        self._vitals = Vitals(parts, counters)
        self._alarm = alarm = Alarm(parts.hub, live.reader(Config.alert_settings))
        parts.others["alerts_raised"] = lambda: {
            str(kind): count for kind, count in alarm.raised.items()
        }
        self.overview = Overview(parts, counters, self._vitals, self._alarm)
        self.following = following = Following(lambda: parts.ready)
        self._resources: tuple[Resource, ...] = (
            Health(self.overview, live),
            Server(self.overview),
            StreamsResource(self.overview),
            Connections(parts),
            ConfigResource(live, parts),
            EventsResource(parts, following),
            LogsResource(parts, following),
            *resources,
        )

    @cached_property
    def routes(self) -> list[Route]:
        """The table."""
        own = Route(
            *("GET", f"{PREFIX}/openapi.json", "This document", self._document, dict[str, object])
        )
        return [own, *(route for resource in self._resources for route in resource.routes())]

    @cached_property
    def document(self) -> Schema:
        """The API's description of itself (OpenAPI 3.1)."""
        return document(self.routes)

    def add_to(self, app: web.Application) -> None:
        """Answer on these routes."""
        api = web.Application(middlewares=[self._guard])
        for route in self.routes:
            place = api if route.path.startswith(PREFIX) else app
            path, handler = route.pattern.removeprefix(PREFIX), self._handler(route)
            if route.method == "GET":
                place.router.add_get(path, handler)  # and HEAD
            else:
                place.router.add_route(route.method, path, handler)
        app.add_subapp(PREFIX, api)
        app.cleanup_ctx.append(self._look_after_worker)
        app.on_response_prepare.append(self._send_elsewhere)

    async def _document(self, _: Call) -> object:
        return self.document

    def _handler(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            role = route.role
            if route.path == METRICS and self._live.config.server.open_metrics:
                role = None
            try:
                if role is None:
                    return await route.call(request, lambda: True)
                await self._bearer.check(request, role)
                return await route.call(request, lambda: self._bearer.is_good(request, role))
            except ProblemError as error:
                return error.answer()
            except web.HTTPException as error:
                return problem(error.status)
            except SlipstreamError as error:  # a disk that is full, a file that is damaged
                log.warning("api.failed", path=request.path, reason=str(error))
                return problem(500, str(error))
            except Exception:
                log.exception("api.failed", path=request.path)
                return problem(500)

        return handle

    async def _look_after_worker(self, _: web.Application) -> AsyncIterator[None]:
        self._vitals.start()
        self._alarm.start()
        yield
        self._alarm.stop()
        self._vitals.stop()

    async def _send_elsewhere(self, _: web.Request, response: web.StreamResponse) -> None:
        """A worker that accepts nobody any more keeps nobody: the next request finds another."""
        if not self._parts.ready:
            response.headers["Connection"] = "close"
            response.force_close()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Tell only whoever has a token which routes there are not; every error is a problem."""
        try:
            return await handler(request)
        except web.HTTPException as error:
            try:
                await self._bearer.check(request, Role.READ)
            except ProblemError as refusal:
                return refusal.answer()
            if isinstance(error, web.HTTPMethodNotAllowed):
                allowed = ", ".join(sorted(error.allowed_methods))
                return problem(405, headers={"Allow": allowed})
            return problem(error.status)
