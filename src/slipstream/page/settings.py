"""Whether there is a page, and what it shows."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PageSettings(BaseModel):
    """The page for people who watch in a browser."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(
        default=True,
        description="Whether the server has a page: the list at /, /watch/APP/NAME and "
        "/embed/APP/NAME.",
    )
    console: bool = Field(
        default=True,
        description="Whether operators have a console, at /console. It shows nothing to those "
        "who have no token of the API.",
    )
    list: bool = Field(
        default=True,
        description="Whether the page lists the streams that anybody may play. Without the list, "
        "a stream's page is found only by those who know its name.",
    )
