"""Whatever the log says about a connection names it: so one can follow it from line to line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "slipstream"
LEVELS = {"debug", "info", "warning", "error", "exception"}
# Lines about a process or a part of it; and about HTTP requests, TLS handshakes and proxies, which
# have no name before they are let in.
OTHERS = {"worker.draining", "notice.bug", "play.refused", "tls.failed", "proxy.failed"}


def lines() -> list[tuple[str, ast.Call]]:
    """Every line that the parts with connections can write, by where it stands."""
    found = []
    for folder in ("net", "http", "hub"):
        for path in sorted((SOURCE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name("log"), attr=level)):
                        if level in LEVELS:
                            found.append((f"{folder}/{path.name}:{node.lineno}", node))
    return found


@pytest.mark.parametrize(("place", "call"), lines(), ids=[place for place, _ in lines()])
def test_every_line_about_a_connection_has_its_id(place: str, call: ast.Call) -> None:
    event = call.args[0]
    if isinstance(event, ast.Constant) and event.value in OTHERS:
        return
    assert "id" in {keyword.arg for keyword in call.keywords}, place


def test_there_are_such_lines() -> None:
    assert len(lines()) > 10
