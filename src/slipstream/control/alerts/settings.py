"""What is not right with what a publisher sends. Each application may say it otherwise."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Threshold = Annotated[float, Field(ge=0)]


class AlertSettings(BaseModel):
    """When an alert is raised for a stream; 0 is never."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    for_s: Annotated[float, Field(ge=0, le=3_600)] = Field(
        default=5,
        description="How long something must be wrong, in seconds, before an alert is raised, and "
        "right again before it is cleared. What is a time or a count itself is raised at once.",
    )
    min_kbps: Threshold = Field(
        default=0, description="Least bitrate of a publisher, in kbit/s; 0: any."
    )
    max_kbps: Threshold = Field(
        default=0, description="Highest bitrate of a publisher, in kbit/s; 0: any."
    )
    min_frame_rate: Threshold = Field(
        default=0, description="Least pictures per second; 0: any. Sound alone has none."
    )
    max_keyframe_s: Threshold = Field(
        default=10, description="Longest time between two keyframes, in seconds; 0: any."
    )
    max_silence_s: Threshold = Field(
        default=3, description="Longest time without any media, in seconds; 0: any."
    )
    max_audio_gap_s: Threshold = Field(
        default=0,
        description="Longest time for which there are pictures without sound, in seconds; 0: any.",
    )
    max_drift_ms: Threshold = Field(
        default=2_000,
        description="How far apart the newest picture and the newest sound may be in the stream's "
        "time, in ms; 0: any.",
    )
    max_repairs: Threshold = Field(
        default=30,
        description="Most timestamps that had to be repaired within a minute; 0: any.",
    )
