"""What a server says, compared with what there is."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from soak.tables import Truth, server_mistakes, stream_mistakes

TRUTH = Truth(
    workers={100, 200},
    publishers={"live/a": 100},
    viewers=Counter({("live/a", 100): 2, ("live/a", 200): 1}),
    protocols=Counter({"rtmp": 2, "http-flv": 1}),
)


def server() -> Any:
    return {
        "workers": [
            {"number": 1, "pid": 100, "publishers": 1, "viewers": 2},
            {"number": 2, "pid": 200, "publishers": 0, "viewers": 1},
        ],
        "publishers": {"rtmp": 1},
        "viewers": {"rtmp": 2, "http-flv": 1},
    }


def streams() -> Any:
    return {"streams": [{"name": "live/a", "state": "live", "worker": 1, "viewers": 3}]}


def test_what_is_so_is_no_mistake() -> None:
    assert not list(server_mistakes(server(), TRUTH))
    assert not list(stream_mistakes(server(), streams(), TRUTH))


@pytest.mark.parametrize(
    ("row", "name", "value"),
    [
        (None, "publishers", {"rtmp": 2}),
        (None, "viewers", {"rtmp": 3}),
        (0, "pid", 300),
        (0, "publishers", 0),
        (1, "viewers", 0),
    ],
)
def test_what_is_not_so_of_the_server_is_found(row: int | None, name: str, value: object) -> None:
    answer = server()
    (answer if row is None else answer["workers"][row])[name] = value
    assert list(server_mistakes(answer, TRUTH))


@pytest.mark.parametrize(
    ("name", "value"),
    [("name", "live/b"), ("state", "waiting"), ("worker", 2), ("worker", None), ("viewers", 2)],
)
def test_what_is_not_so_of_a_stream_is_found(name: str, value: object) -> None:
    answer = streams()
    answer["streams"][0][name] = value
    assert list(stream_mistakes(server(), answer, TRUTH))


def test_a_stream_that_is_not_told_of_is_found() -> None:
    assert list(stream_mistakes(server(), {"streams": []}, TRUTH))
