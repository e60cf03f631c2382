"""A gate with a clock of its own, and what tests show it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt

from slipstream.access import AccessSettings, Action, Failures, Gate, Request

KEY = "0123456789abcdef0123456789abcdef"
SIGNING_KEY = "fedcba9876543210fedcba9876543210"
THEM = "203.0.113.9"
NOW = 1_790_000_000.0


def gate(
    settings: AccessSettings,
    folder: Path | None = None,
    *,
    clock: Callable[[], float] = lambda: NOW,
    failures: Failures | None = None,
) -> Gate:
    """One with the same settings for all applications."""
    return Gate(
        lambda _: settings, KEY, failures, folder=folder, signing_key=SIGNING_KEY, clock=clock
    )


def publishing(query: str = "", stream: str = "live/cam", **others: Any) -> Request:
    """Somebody wants to publish over RTMP."""
    asked = {"address": THEM, "query": query, "protocol": "rtmp", **others}
    return Request(Action.PUBLISH, stream, **asked)


def playing(query: str = "", stream: str = "live/cam", **others: Any) -> Request:
    """Somebody wants to play over HTTP."""
    asked = {"address": THEM, "query": query, "protocol": "http-flv", **others}
    return Request(Action.PLAY, stream, **asked)


def claims(**others: Any) -> dict[str, Any]:
    """What a good token says; None leaves a claim out."""
    said = {"exp": NOW + 60, "action": "publish", "app": "live", "name": "cam", **others}
    return {name: value for name, value in said.items() if value is not None}


def token(key: Any = SIGNING_KEY, algorithm: str = "HS256", kid: str = "", **others: Any) -> str:
    """A signed token with `claims(**others)`."""
    headers = {"kid": kid} if kid else None
    return jwt.encode(claims(**others), key, algorithm=algorithm, headers=headers)
