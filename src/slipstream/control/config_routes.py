"""The routes of the configuration: what is in force, and reading it again.

    GET /api/v1/config             every setting, those that hold secrets masked
    POST /api/v1/config/reload     the whole server reads its file again

A reload is answered when the worker that was asked works with it; the others do within moments.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from slipstream.control.live import LiveConfig
from slipstream.control.log_fields import MASK, mask
from slipstream.control.parts import Parts
from slipstream.control.problems import problem

# Names of settings that hold a secret; one that ends otherwise (`key_file`) says where one is.
_SECRET = re.compile(r"(?:.*_)?(?:key|keys|password|secret|secrets|token|tokens)")


class ConfigRoutes:
    """Call `add_to()` once.

    Args:
        live: what is in force.
        parts: of this worker, which know how to have it read again.
    """

    def __init__(self, live: LiveConfig, parts: Parts) -> None:
        self._live = live
        self._parts = parts

    def add_to(self, api: web.Application) -> None:
        """Answer on these routes."""
        api.router.add_get("/config", self._show)
        api.router.add_post("/config/reload", self._read_again)

    async def _show(self, _: web.Request) -> web.Response:
        settings = without_secrets(self._live.config.model_dump(mode="json", exclude={"apps"}))
        apps = self._live.config.model_dump(mode="json", include={"apps"}, exclude_unset=True)
        settings["apps"] = without_secrets(apps.get("apps", {}))
        return _json({"settings": settings, "pending": self._live.pending})

    async def _read_again(self, _: web.Request) -> web.Response:
        report = await self._parts.reload()
        if report is None:
            return problem(503, "there is no supervisor at the moment, or no file to read")
        if report.mistakes:
            count = len(report.mistakes)
            detail = f"refused for {count} mistake{'s' * (count > 1)}; nothing has changed"
            return problem(422, detail, mistakes=list(map(asdict, report.mistakes)))
        return _json({"changed": report.changed, "pending": report.pending})


def without_secrets(value: Any, name: str = "") -> Any:
    """What JSON can carry, with secrets masked, be they settings or parts of addresses.

    Args:
        value: of a setting, or a table of them.
        name: of the setting.
    """
    if isinstance(value, dict):
        return {key: without_secrets(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_secrets(inner, name) for inner in value]
    if not isinstance(value, str) or not value:
        return value
    return MASK if _SECRET.fullmatch(name) else mask(value)


def _json(answer: object) -> web.Response:
    return web.Response(
        body=orjson.dumps(answer),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
