"""What the API answers when it cannot: one JSON object, as RFC 9457 has it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from aiohttp import web


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
        status=status,
        body=orjson.dumps(body),
        headers=headers,
        content_type="application/problem+json",
    )
