"""The API's description of itself: OpenAPI 3.1, made of the table of routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter

from slipstream import __version__
from slipstream.access import Role
from slipstream.control.api.problems import PROBLEM_TYPE, Problem
from slipstream.control.api.route import Route

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"
ALWAYS = {  # what may be answered to whoever needs a token
    400: "The address or the body asks for what there cannot be.",
    401: "The token is missing or wrong.",
    403: "The token is not good for this.",
    413: "The body is too large.",
    429: "Too many wrong tokens came from this address.",
    500: "A bug; the log has a line.",
}
EVENT_STREAM = "text/event-stream"
PARAMETERS = {
    "stream": "The stream, APP/NAME; the slash may be written as %2F.",
    "id": "Of the connection, as in the log.",
}


def document(routes: Iterable[Route]) -> Schema:
    """Return the document of these routes."""
    table = list(routes)
    schemas, definitions = _schemas(table)
    paths: dict[str, Schema] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Slipstream",
            "version": __version__,
            "description": "What a server of live streams tells of itself, and what it can be "
            "told. Every answer is about the whole server, whichever of its workers gives it.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


Key = tuple[type, str]


def _schemas(table: Iterable[Route]) -> tuple[Mapping[Key, Schema], Schema]:
    """The schema of every model, and what they refer to."""
    modes: dict[Key, Any] = {(Problem, "serialization"): Problem}
    for route in table:
        if route.answer is not None:
            modes[route.answer, "serialization"] = route.answer
        for model in (route.query, route.body):
            if model is not None:
                modes[model, "validation"] = model
    inputs: list[Any] = [(key, key[1], TypeAdapter(model)) for key, model in modes.items()]
    found, whole = TypeAdapter.json_schemas(inputs, ref_template=REFERENCE)
    return {key: schema for (key, _), schema in found.items()}, whole.get("$defs", {})


def _operation(route: Route, schemas: Mapping[Key, Schema]) -> Schema:
    operation: Schema = {
        "operationId": route.name,
        "summary": route.summary,
        "responses": _responses(route, schemas),
    }
    if route.role is not None:
        operation["security"] = [{"token": []}]
        operation["x-role"] = str(route.role)
        operation["description"] = f"For tokens of the role {_enough(route.role)}."
    parameters = [*map(_path_parameter, route.parameters), *_query_parameters(route)]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {
            "required": any(field.is_required() for field in route.body.model_fields.values()),
            "content": {"application/json": {"schema": schemas[route.body, "validation"]}},
        }
    return operation


def _enough(role: Role) -> str:
    return " or ".join(other for other in Role if other.covers(role))


def _path_parameter(name: str) -> Schema:
    parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    return {**parameter, "description": PARAMETERS.get(name, f"The {name}.")}


def _query_parameters(route: Route) -> Iterable[Schema]:
    if route.query is None:
        return
    for name, field in TypeAdapter(route.query).json_schema()["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": route.query.model_fields[name].is_required(),
            "description": field.pop("description", ""),
            "schema": field,
        }


def _responses(route: Route, schemas: Mapping[Key, Schema]) -> Schema:
    problem = schemas[Problem, "serialization"]
    problems = {**(ALWAYS if route.role is not None else {500: ALWAYS[500]}), **route.problems}
    success: Schema = {"description": HTTPStatus(route.status).phrase}
    if route.answer is not None:
        success["content"] = {
            route.content_type: {"schema": schemas[route.answer, "serialization"]}
        }
        if route.streams:
            success["content"][EVENT_STREAM] = {"schema": {"type": "string"}}
    status = route.status if route.answer is not None else 204
    responses: Schema = {str(status): success}
    for code, meaning in sorted(problems.items()):
        responses[str(code)] = {
            "description": meaning,
            "content": {PROBLEM_TYPE: {"schema": problem}},
        }
    return responses
