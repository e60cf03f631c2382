"""The configuration: what is in force, and reading it again.

A reload is answered when the worker that was asked works with it; the others do within moments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, Field

from slipstream.access import Role
from slipstream.control.api.problems import ProblemError, problem
from slipstream.control.api.route import Call, Route
from slipstream.control.configuration.live import LiveConfig
from slipstream.control.logs.fields import MASK, mask
from slipstream.control.parts import Parts
from slipstream.relays import Rule

# Names of settings that hold a secret; one that ends otherwise (`key_file`) says where one is.
_SECRET = re.compile(r"(?:.*_)?(?:key|keys|password|secret|secrets|token|tokens)")


class ConfigInForce(BaseModel):
    """What is in force, and what is not yet."""

    settings: dict[str, Any] = Field(
        description="Every setting by section, and under `apps` what applications set otherwise; "
        "secrets are masked."
    )
    pending: list[str] = Field(description="Settings that wait for `slipstream replace`.")


class ConfigReload(BaseModel):
    """What a reload has changed."""

    changed: list[str] = Field(description="Settings that are in force now and were not before.")
    pending: list[str] = Field(description="Settings that wait for `slipstream replace`.")


class ConfigResource:
    """See the module.

    Args:
        live: what is in force.
        parts: of this worker, which know how to have it read again.
    """

    def __init__(self, live: LiveConfig, parts: Parts) -> None:
        self._live = live
        self._parts = parts

    def routes(self) -> Iterable[Route]:
        """All of them."""
        reload = "/api/v1/config/reload"
        return (
            Route(
                *("GET", "/api/v1/config", "The configuration in force", self._show),
                answer=ConfigInForce,
            ),
            Route(
                *("POST", reload, "Read the configuration again", self._reload, ConfigReload),
                role=Role.ADMIN,
                problems={
                    422: "There are `mistakes`: objects with `place`, `line`, `key` and `reason`.",
                    503: "There is no supervisor at the moment, or nothing to read.",
                },
            ),
        )

    async def _show(self, _: Call) -> object:
        config = self._live.config
        settings = without_secrets(config.model_dump(mode="json", exclude={"apps"}))
        apps = config.model_dump(mode="json", include={"apps"}, exclude_unset=True)
        for relay, order in zip(
            (*settings["relays"]["push"], *settings["relays"]["pull"]),
            (*config.relays.push, *config.relays.pull),
            strict=True,
        ):
            relay["url"] = Rule.of(order).shown_url  # keys may stand in its path
        settings["apps"] = without_secrets(apps.get("apps", {}))
        return {"settings": settings, "pending": self._live.pending}

    async def _reload(self, _: Call) -> object:
        report = await self._parts.reload()
        if report is None:
            raise ProblemError(503, "there is no supervisor at the moment, or nothing to read")
        if report.mistakes:
            count = len(report.mistakes)
            detail = f"refused for {count} mistake{'s' * (count > 1)}; nothing has changed"
            return problem(422, detail, mistakes=list(map(asdict, report.mistakes)))
        return {"changed": report.changed, "pending": report.pending}


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
