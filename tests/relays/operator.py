"""The operator of a running server, who adds and removes relays over the API."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from tests.server import PATIENCE_S, RunningServer, wait_until


def ask(server: RunningServer, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """The status and the JSON of an answer of the API."""
    url = f"http://{server.host}:{server.http_port}/api/v1/{path}"
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {server.token}"}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            content = response.read()
            return response.status, json.loads(content) if content else None
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def add(server: RunningServer, kind: str, stream: str, url: str, **more: object) -> str:
    """Add a relay; its id."""
    body = {"kind": kind, "stream": stream, "url": url, **more}
    status, relay = ask(server, "POST", "relays", body)
    assert status == 201, relay
    return str(relay["id"])


def remove(server: RunningServer, relay_id: str) -> None:
    status, answer = ask(server, "DELETE", f"relays/{relay_id}")
    assert status == 204, answer


def connection(server: RunningServer, relay_id: str) -> dict[str, Any]:
    """The only connection of a relay; empty if there is none."""
    connections = server.api(f"relays/{relay_id}")["connections"]
    assert len(connections) <= 1
    return connections[0] if connections else {}


def wait_for_state(server: RunningServer, relay_id: str, state: str) -> None:
    wait_until(lambda: server.api(f"relays/{relay_id}")["state"] == state, f"{relay_id} {state}")
