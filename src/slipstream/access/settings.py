"""Who may publish and who may play. Each application may set its own."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class AccessSettings(BaseModel):
    """What the gate asks for on the streams of an application."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    publish: Literal["key", "anonymous"] = Field(
        default="key",
        description='Who may publish: "key" asks for the publishing key, "anonymous" lets '
        "anybody publish who reaches the port.",
    )
