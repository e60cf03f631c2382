"""A route of the API: what it is for, what it takes, what it answers, and who may ask.

    Route("GET", "/api/v1/streams", "All streams", self._all, Streams, query=StreamsQuery)

The handler gets a `Call`, with everything checked that the route says, and returns what becomes
JSON. The same table makes the document (`document`), so that it cannot tell of other things than
there are.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_origin

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from slipstream.access import Role
from slipstream.control.api.problems import ProblemError
from slipstream.control.configuration.mistakes import explain

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

PARAMETER = re.compile(r"\{(\w+)\}")
SLASHES = "stream"  # the one parameter that may hold them: APP/NAME


class Model(BaseModel):
    """What is asked for, in a query or a body: nothing that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody asks, and may.

    Attributes:
        request: as it came.
        path: the parameters in the path, by name.
        query: as the route's model says; None if it has none.
        body: likewise.
        is_allowed: whether who asks still may, for what takes long.
    """

    request: web.Request
    path: Mapping[str, str]
    query: Any
    body: Any
    is_allowed: Callable[[], bool]


Handle = Callable[[Call], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Route:
    """See the module.

    Attributes:
        method: of HTTP.
        path: with parameters as in `/api/v1/streams/{stream}`.
        summary: what it does, in a few words.
        handle: answers: with what `answer` describes, or a response of its own.
        answer: the shape of the answer, a model or a dataclass; None: it has no content.
        role: what the token must be good for; None: nobody needs one.
        query: what may stand behind the '?'.
        body: what may be sent along; it may be left out if an empty object would do.
        status: of the answer.
        problems: what else may be answered, beside what always may, and when.
        content_type: of the answer.
        streams: whether there is an endless answer, too, for `Accept: text/event-stream`.
    """

    method: Method
    path: str
    summary: str
    handle: Handle
    answer: Any = None
    role: Role | None = Role.READ
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    status: int = 200
    problems: Mapping[int, str] = field(default_factory=dict)
    content_type: str = "application/json"
    streams: bool = False

    @property
    def name(self) -> str:
        """Unlike that of any other: `get_streams_stream`."""
        words = re.findall(r"\w+", self.path.removeprefix("/api/v1"))
        return "_".join((self.method.lower(), *words))

    @property
    def parameters(self) -> list[str]:
        """The names of those in the path."""
        return PARAMETER.findall(self.path)

    @property
    def pattern(self) -> str:
        """The path as the library has it."""
        return PARAMETER.sub(_pattern, self.path)

    async def call(
        self, request: web.Request, is_allowed: Callable[[], bool]
    ) -> web.StreamResponse:
        """Check what is asked for, and answer.

        Raises:
            ProblemError: it cannot be.
        """
        query = None if self.query is None else _query(self.query, request)
        body = None if self.body is None else _body(self.body, await request.read())
        answer = await self.handle(Call(request, request.match_info, query, body, is_allowed))
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            return web.Response(status=204)
        return web.Response(
            status=self.status,
            body=orjson.dumps(answer),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )


class Resource(Protocol):
    """A part of the API."""

    def routes(self) -> Iterable[Route]:
        """All of its routes."""


def _pattern(parameter: re.Match[str]) -> str:
    name = parameter[1]
    return f"{{{name}:.+}}" if name == SLASHES else f"{{{name}}}"


def _query(model: type[BaseModel], request: web.Request) -> BaseModel:
    given: dict[str, object] = {}
    for name in request.query:
        values = request.query.getall(name)
        known = model.model_fields.get(name)
        if known is not None and get_origin(known.annotation) is list:
            given[name] = values
        elif len(values) > 1:
            raise ProblemError(400, f"'{name}' is there {len(values)} times")
        else:
            given[name] = values[0]
    return _checked(model, given)


def _body(model: type[BaseModel], body: bytes) -> BaseModel:
    if not body:
        return _checked(model, {})
    try:
        return _checked(model, orjson.loads(body), strict=True)
    except orjson.JSONDecodeError as error:
        raise ProblemError(400, f"the body is not JSON: {error}") from error


def _checked(model: type[BaseModel], given: object, *, strict: bool = False) -> BaseModel:
    """What was given, if it is what the model says.

    Args:
        model: says what may be given.
        given: what JSON can carry, or the texts of a query.
        strict: a text is no number.
    """
    try:
        if strict:
            return model.model_validate_json(orjson.dumps(given), strict=True)
        return model.model_validate(given)
    except ValidationError as error:
        known = model.model_fields
        reasons = [_reason(one, list(known)) for one in error.errors(include_url=False)]
        raise ProblemError(400, "; ".join(reasons)) from error


def _reason(error: ErrorDetails, known: list[str]) -> str:
    name = ".".join(str(part) for part in error["loc"])
    reason = explain(error, known)
    colon = "" if reason.startswith("must be") else ":"
    return f"'{name}'{colon} {reason}" if name else f"the body {reason}"
