"""Policy: how much a publisher may send, for how long, and to how many.

It comes with a credential (the claims of a token, the answer of somebody who was asked) or from
the settings of the application; of two limits the tighter one holds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Limit = Annotated[int, Field(ge=1)]


class Excess(StrEnum):
    """What follows when more comes than may."""

    WARN = "warn"
    """A line in the log and a notice."""
    REFUSE = "refuse"
    """What begins with too much does not go on air; what grows later is a warning."""
    CUT = "cut"
    """Publishing ends."""


class Policy(BaseModel):
    """The limits; None is no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_kbps: Limit | None = Field(
        default=None, description="Kilobits a second that a publisher may send, over 5 s."
    )
    max_width: Limit | None = Field(
        default=None, description="Pixels that the picture may be wide, as its decoder is told."
    )
    max_height: Limit | None = Field(
        default=None, description="Pixels that the picture may be high."
    )
    max_s: Limit | None = Field(default=None, description="Seconds that somebody may publish.")
    max_viewers: Limit | None = Field(
        default=None, description="Viewers that the stream may have while it is published so."
    )
    excess: Excess | None = Field(
        default=None,
        description='What follows when a publisher sends more: "warn" says so, "refuse" also '
        'keeps what begins with too much off the air, "cut" ends the publication; usually "cut".',
    )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is limited that a publisher sends."""
        return all(
            limit is None
            for limit in (
                self.max_kbps, self.max_width, self.max_height, self.max_s
            )
        )  # fmt: skip

    def within(self, other: Policy) -> Policy:
        """Both together: the tighter of each two limits, and what `self` says of excess."""
        tightest = {
            name: min(limits)
            for name in ("max_kbps", "max_width", "max_height", "max_s", "max_viewers")
            if (limits := [p for p in (getattr(self, name), getattr(other, name)) if p is not None])
        }
        return Policy(**tightest, excess=self.excess or other.excess)


NO_POLICY = Policy()
