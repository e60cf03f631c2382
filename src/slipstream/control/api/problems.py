"""What the API answers when it cannot: one JSON object, as RFC 9457 has it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from aiohttp import web
from pydantic import BaseModel, Field

PROBLEM_TYPE = "application/problem+json"


class Problem(BaseModel):
    """Why there is no answer (RFC 9457)."""

    title: str = Field(description="What the status means.")
    status: int = Field(description="As in the answer's first line.")
    detail: str = Field(
        default="", description="What is wrong in this case, and what would be right."
    )


class ProblemError(Exception):
    """Raised by whoever answers, and answered with instead.

    Args:
        status: of HTTP.
        detail: what is wrong in this case, and what would be right.
        headers: more of them.
    """

    def __init__(
        self, status: int, detail: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers

    def answer(self) -> web.Response:
        """Return what is sent."""
        return problem(self.status, str(self), self.headers)


def problem(
    status: int, detail: str = "", headers: Mapping[str, str] | None = None, **more: object
) -> web.Response:
    """An answer of the type `application/problem+json`.

    Args:
        status: of HTTP.
        detail: what is wrong in this case, and what would be right.
        headers: more of them.
        more: members of the object (RFC 9457 §3.2).
    """
    body: dict[str, object] = {"title": HTTPStatus(status).phrase, "status": status}
    if detail:
        body["detail"] = detail
    body |= more
    return web.Response(
        status=status, body=orjson.dumps(body), headers=headers, content_type=PROBLEM_TYPE
    )
