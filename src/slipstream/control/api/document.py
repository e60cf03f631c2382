"""The API's description of itself: OpenAPI 3.1, made of the table of routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

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
    413: "The body is larger than 256 KiB.",
    429: "Too many wrong tokens came from this address; wait ten seconds.",
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
    schemas = _Schemas(table)
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
            "schemas": schemas.definitions,
            "responses": {str(code): _problem(text, schemas) for code, text in ALWAYS.items()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


class _Untitled(GenerateJsonSchema):
    """Titles would only be the names again."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


class _Schemas:
    """The schema of every model, and what they refer to.

    Attributes:
        definitions: by name, those that others refer to.
    """

    def __init__(self, table: Iterable[Route]) -> None:
        models: set[tuple[Any, str]] = {(Problem, "serialization")}
        for route in table:
            models.add((route.answer, "serialization"))
            models.update((model, "validation") for model in (route.query, route.body))
        inputs: list[Any] = [
            ((model, mode), mode, TypeAdapter(model))
            for model, mode in sorted(models, key=str)
            if model is not None
        ]
        found, whole = TypeAdapter.json_schemas(
            inputs, ref_template=REFERENCE, schema_generator=_Untitled
        )
        self.definitions: Schema = whole.get("$defs", {})
        self._found: Mapping[Any, Schema] = {key: schema for (key, _), schema in found.items()}
        self._queries = {
            route.query: self.definitions.pop(route.query.__name__)
            for route in table
            if route.query is not None and route.query.__name__ in self.definitions
        }

    def answer(self, model: Any) -> Schema:
        """Of what is answered."""
        return self._found[model, "serialization"]

    def body(self, model: Any) -> Schema:
        """Of what is sent along."""
        return self._found[model, "validation"]

    def query(self, model: Any) -> Mapping[str, Schema]:
        """Of what may stand behind the '?', by name."""
        fields: Mapping[str, Schema] = self._queries[model]["properties"]
        return fields


def _operation(route: Route, schemas: _Schemas) -> Schema:
    operation: Schema = {
        "operationId": route.name,
        "summary": route.summary,
        "responses": _responses(route, schemas),
    }
    if route.role is not None:
        enough = " or ".join(f"`{other}`" for other in Role if other.covers(route.role))
        operation["description"] = f"For tokens of the role {enough}."
        operation["security"] = [{"token": []}]
        operation["x-role"] = str(route.role)
    parameters = [*map(_path_parameter, route.parameters), *_query_parameters(route, schemas)]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {
            "required": any(field.is_required() for field in route.body.model_fields.values()),
            "content": {"application/json": {"schema": schemas.body(route.body)}},
        }
    return operation


def _path_parameter(name: str) -> Schema:
    parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    return {**parameter, "description": PARAMETERS.get(name, f"The {name}.")}


def _query_parameters(route: Route, schemas: _Schemas) -> Iterable[Schema]:
    if route.query is None:
        return
    for name, field in schemas.query(route.query).items():
        yield {
            "name": name,
            "in": "query",
            "required": route.query.model_fields[name].is_required(),
            "description": field.get("description", ""),
            "schema": {key: value for key, value in field.items() if key != "description"},
        }


def _responses(route: Route, schemas: _Schemas) -> Schema:
    usual = ALWAYS if route.role is not None else (500,)
    responses: Schema = {str(code): {"$ref": f"#/components/responses/{code}"} for code in usual}
    for code, meaning in route.problems.items():
        responses[str(code)] = _problem(meaning, schemas)
    status = route.status if route.answer is not None else 204
    success: Schema = {"description": HTTPStatus(status).phrase}
    if route.answer is not None:
        success["content"] = {route.content_type: {"schema": schemas.answer(route.answer)}}
    if route.streams:
        success["content"][EVENT_STREAM] = {"schema": {"type": "string"}}
    return {str(status): success, **dict(sorted(responses.items()))}


def _problem(meaning: str, schemas: _Schemas) -> Schema:
    return {"description": meaning, "content": {PROBLEM_TYPE: {"schema": schemas.answer(Problem)}}}
