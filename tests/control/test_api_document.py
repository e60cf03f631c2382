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
from hypothesis.strategies import booleans
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from slipstream.access import Operators, Role, Store
from slipstream.control.configuration.config import Config
from slipstream.formats import RtmpFormat
from slipstream.hub import StreamSettings
from slipstream.relays import PushSettings, RelaySettings, Rule
from tests.control.stage import TOKEN, WITH_TOKEN, Stage, Viewer, serving
from tests.hub.stage import Publisher, audio_config, inter, key, sound, video_config

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PUSH = PushSettings(stream="live/a", url="rtmp://example.com/live/a")
CONFIG = Config(
    relays=RelaySettings(push=[PUSH]), streams=StreamSettings(on_second_publisher="standby")
)
ADDED = PushSettings(stream="live/b", url="rtmp://example.com/live/b")
GOOD_BODIES: Mapping[str, Any] = {
    "post_relays": {"kind": "push", "stream": "live/*", "url": "rtmp://example.com/live/{name}"},
    "post_keys": {"app": "live", "name": "b"},
    "post_streams_stream_switch": {},
}
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
    known = there(stage)
    found = {}
    for path, operations in document["paths"].items():
        if "get" in operations:
            found[path] = path
            for parameter, value in known.items():
                found[path] = found[path].replace(f"{{{parameter}}}", value)
    return found


def there(stage: Stage) -> dict[str, str]:
    """What there is to put in place of the parameters of a path."""
    (viewer, _) = stage.hub.streams["live/a"].subscriptions
    (key,) = stage.keys.list()
    relay = Rule.of(PUSH).id
    return {"stream": "live/a", "id": viewer.peer.connection_id, "relay": relay, "key": key.id}


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
        await asyncio.to_thread(ask_everything, schema, mode, stage.url, there(stage))


def ask_everything(
    schema: BaseSchema, mode: GenerationMode, url: str, known: Mapping[str, str]
) -> None:
    """Make requests of every kind, about what there is as well; blocks."""
    session = requests.Session()
    for result in schema.get_all_operations():
        operation = result.ok()
        can_be_wrong = list(operation.iter_parameters()) or list(operation.body)
        if mode is GenerationMode.NEGATIVE and not can_be_wrong:
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(mode), booleans())
        def ask(case: Case, is_known: bool) -> None:
            if is_known:
                case.path_parameters = {name: known[name] for name in case.path_parameters or ()}
            case.call_and_validate(url, session, headers=WITH_TOKEN, checks=CHECKS)

        ask()


async def test_whatever_changes_something_is_done_or_refused_as_the_document_says(
    tmp_path: Path,
) -> None:
    """All these routes: done, to what is not there, without a token, with too little a role."""
    async with serving(CONFIG, tmp_path) as stage:
        fill(stage)
        standby = stage.hub.publish("live/a", Publisher(), credential="key:abc", now=stage.now)
        standby.receive([video_config(), audio_config(), key(0)], stage.now)
        added = await stage.relays.add(Rule.of(ADDED))  # those of the configuration stay
        known = {**there(stage), "relay": added.id}
        reader = Operators("", Store(tmp_path)).add("reader", Role.READ)
        schema = schemathesis.openapi.from_dict(stage.api.document)
        done = await asyncio.to_thread(change_everything, schema, stage.url, known, reader)
        assert done == {
            route.name: 204 if route.answer is None else route.status
            for route in stage.api.routes
            if route.method != "GET"
        }


def change_everything(
    schema: BaseSchema, url: str, known: Mapping[str, str], reader: str
) -> dict[str, int]:
    """Make requests of all that changes something, what removes last; blocks.

    Returns:
        the status of the one that should succeed, by the route's name.
    """
    done: dict[str, int] = {}
    operations = [result.ok() for result in schema.get_all_operations()]
    changing = [operation for operation in operations if operation.method != "get"]
    for operation in sorted(changing, key=lambda one: one.method == "delete"):
        name = operation.definition.raw["operationId"]
        names = [parameter.name for parameter in operation.path_parameters]
        body: dict[str, Any] = {}
        if name in GOOD_BODIES:
            body = {"body": GOOD_BODIES[name], "media_type": "application/json"}

        def ask(token: str, known: Mapping[str, str], **more: Any) -> int:
            parameters = {name: known[name] for name in names}  # noqa: B023 - called at once
            case = operation.Case(path_parameters=parameters, **more)  # noqa: B023
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return case.call_and_validate(url, headers=headers, checks=CHECKS).status_code

        assert ask("", known, **body) == 401
        assert ask(reader, known, **body) == 403
        if names:
            assert ask(TOKEN, dict.fromkeys(names, "none/there"), **body) == 404
        if body:
            for wrong in ([], "x", {"surplus": 1}, {**body["body"], "surplus": 1}, b"{", b"\xff"):
                assert ask(TOKEN, known, **{**body, "body": wrong}) == 400
            assert ask(TOKEN, known, **{**body, "body": b"[" * (300 << 10)}) == 413
        done[name] = ask(TOKEN, known, **body)
    return done
