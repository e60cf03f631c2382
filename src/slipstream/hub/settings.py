"""How streams treat those who publish and watch them. Each application may set its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from slipstream.formats import Shape

Seconds = Annotated[float, Field(ge=0, le=86_400)]


class StreamSettings(BaseModel):
    """What holds for every stream of an application."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grace_s: Seconds = Field(
        default=15, description="How long viewers stay, in seconds, when the publisher has gone."
    )
    wait_s: Seconds = Field(
        default=10,
        description="How long a viewer waits, in seconds, for a stream that nobody publishes.",
    )
    idle_s: Annotated[float, Field(gt=0, le=86_400)] = Field(
        default=10,
        description="A publisher that sends no media for this long, in seconds, is closed.",
    )
    on_second_publisher: Literal["takeover", "reject", "standby", "merge"] = Field(
        default="takeover",
        description="What becomes of a second publisher with the same right: it takes the stream "
        "over, is refused, stands by, or is a second link of the same encoder.",
    )
    standby_after_s: Annotated[float, Field(ge=0.1, le=3_600)] = Field(
        default=1,
        description="A standby goes on air when the publisher has sent no media for this long, "
        "in seconds.",
    )
    keep_ms: Annotated[int, Field(ge=0, le=3_600_000)] = Field(
        default=10_000, description="How much of a stream is kept in memory at least, in ms."
    )
    max_bytes: Annotated[int, Field(ge=1 << 20)] = Field(
        default=64 << 20, description="Most memory for one stream in one format, in bytes."
    )
    latency_ceiling_ms: Annotated[int, Field(ge=100, le=600_000)] = Field(
        default=3_000,
        description="A viewer further behind than this, in ms, skips to a newer keyframe.",
    )
    stall_s: Annotated[float, Field(gt=0, le=3_600)] = Field(
        default=15, description="A viewer that takes nothing for this long, in seconds, is closed."
    )
    segment_ms: Annotated[int, Field(ge=500, le=60_000)] = Field(
        default=2_000,
        description="HLS and DASH: a segment ends at the first keyframe after this long, in ms.",
    )
    part_ms: Annotated[int, Field(ge=50, le=5_000)] = Field(
        default=250, description="HLS and DASH: no part of a segment is longer than this, in ms."
    )
    window_ms: Annotated[int, Field(ge=2_000, le=600_000)] = Field(
        default=16_000, description="HLS and DASH: how much a playlist shows at least, in ms."
    )
    always: list[Literal["flv", "ws-flv", "ts", "cmaf"]] = Field(
        default=[],
        description="Formats that are made while somebody publishes, even if nobody watches, so "
        "that the first viewer need not wait; HLS and DASH are cmaf.",
    )
    max_viewers: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="Most viewers of one stream; 0 means no limit. A publisher's policy can "
        "say less.",
    )

    @property
    def shape(self) -> Shape:
        """How segments are cut."""
        return Shape(self.segment_ms, self.part_ms, self.window_ms)
