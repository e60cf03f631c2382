"""The API's document is about the routes there are, and what they answer is as it says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from slipstream.control import Config
from slipstream.formats import RtmpFormat
from slipstream.relays import PushSettings, RelaySettings, Rule
from tests.control.stage import WITH_TOKEN, Stage, Viewer, serving
from tests.hub.stage import Publisher, audio_config, inter, key, sound, video_config

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PUSH = PushSettings(stream="live/a", url="rtmp://example.com/live/a")
CONFIG = Config(relays=RelaySettings(push=[PUSH]))
EXAMPLES = 6  # requests of each kind for each route
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def fill(stage: Stage) -> None:
    """Have something of everything: a publisher, viewers, a stream waited for, a key."""
    stage.keys.add("live", "a", "studio")
    publication = stage.hub.publish("live/a", Publisher(), credential="key:abc", now=stage.now)
    frames = [video_config(), audio_config(), key(0), sound(10), inter(500), key(1000)]
    publication.receive(frames, stage.now)
    for name in ("live/a", "live/a", "live/none"):
        stage.hub.subscribe(name, RtmpFormat, Viewer(), now=stage.now)


def addresses(document: Mapping[str, Any], stage: Stage) -> dict[str, str]:
    """Every path that can be read, with what there is in place of its parameters."""
    (viewer, _) = stage.hub.streams["live/a"].subscriptions
    relay = Rule.of(PUSH).id
    there = {"{stream}": "live/a", "{id}": viewer.peer.connection_id, "{relay}": relay}
    found = {}
    for path, operations in document["paths"].items():
        if "get" in operations:
            found[path] = path
            for parameter, value in there.items():
                found[path] = found[path].replace(parameter, value)
    return found


def whole(schema: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that can be used alone."""
    return {"$schema": DIALECT, **schema, "components": document["components"]}


async def test_every_route_is_in_the_document_and_no_other() -> None:
    async with serving() as stage:
        document = await stage.json("/api/v1/openapi.json")
        routes = {
            (route.method.lower(), route.resource.canonical)
            for route in stage.app.router.routes()
            if route.resource and route.method != "HEAD"
        }
    told = {(method, path) for path, those in document["paths"].items() for method in those}
    assert told == routes
    assert document["openapi"] == "3.1.0"


async def test_what_is_answered_is_as_the_document_says(tmp_path: Path) -> None:
    async with serving(CONFIG, tmp_path) as stage:
        fill(stage)
        document = await stage.json("/api/v1/openapi.json")
        for path, address in addresses(document, stage).items():
            response = await stage.get(address)
            assert response.status == 200, path
            ((kind, content), *_) = document["paths"][path]["get"]["responses"]["200"][
                "content"
            ].items()
            assert response.content_type == kind
            if kind == "application/json":
                schema = whole(content["schema"], document)
                jsonschema_rs.validator_for(schema).validate(await response.json())


async def test_nothing_that_the_document_leaves_open_is_answered_with_more_fields(
    tmp_path: Path,
) -> None:
    """A field that the document does not know would pass the schema, so it is looked for."""
    async with serving(CONFIG, tmp_path) as stage:
        fill(stage)
        document = await stage.json("/api/v1/openapi.json")
        closed = _closed(document)
        for path, address in addresses(document, stage).items():
            content = document["paths"][path]["get"]["responses"]["200"]["content"]
            if "application/json" in content and path != "/api/v1/openapi.json":
                answer = await stage.json(address)
                schema = whole(content["application/json"]["schema"], closed)
                jsonschema_rs.validator_for(schema).validate(answer)


def _closed(document: Mapping[str, Any]) -> Mapping[str, Any]:
    schemas = {
        name: {**schema, "additionalProperties": False} if "properties" in schema else schema
        for name, schema in document["components"]["schemas"].items()
    }
    return {**document, "components": {**document["components"], "schemas": schemas}}


async def test_the_document_says_which_role_is_needed() -> None:
    async with serving() as stage:
        for route in stage.api.routes:
            operation = stage.api.document["paths"][route.path][route.method.lower()]
            assert operation.get("x-role") == route.role
            assert ("security" in operation) is (route.role is not None)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
async def test_requests_made_from_the_document_never_meet_a_bug(
    mode: GenerationMode, tmp_path: Path
) -> None:
    """Right and wrong requests alike are answered, and as the document says."""
    async with serving(CONFIG, tmp_path) as stage:
        fill(stage)
        schema = schemathesis.openapi.from_dict(stage.api.document)
        await asyncio.to_thread(ask_everything, schema, mode, stage.url)


def ask_everything(schema: BaseSchema, mode: GenerationMode, url: str) -> None:
    """Make requests of every kind; blocks."""
    session = requests.Session()
    for result in schema.get_all_operations():
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and not list(operation.iter_parameters()):
            continue  # nothing can be wrong with it

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(mode))
        def ask(case: Case) -> None:
            case.call_and_validate(url, session, headers=WITH_TOKEN, checks=CHECKS)

        ask()
