"""Snapshots over HTTP: `GET /{app}/{name}.jpg` is the newest keyframe of a stream as a JPEG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from slipstream.errors import SlipstreamError
from slipstream.http.access import allowed_stream
from slipstream.http.origins import Origins
from slipstream.net.services import Services

PROTOCOL = "jpg"
WIDTHS = (160, 320, 640, 1280, 1920)  # few, so that a keyframe is decoded for few of them
USUAL_WIDTH = 640
MIN_WIDTH = 16
MAX_AGE_S = 1  # a snapshot is made no more often
RETRY_S = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A JPEG, and what tells it from others of the same stream."""

    jpeg: bytes
    tag: str


class NoPictureError(SlipstreamError):
    """There is nothing to make a snapshot of; the message says why."""


class NotNowError(SlipstreamError):
    """There is no snapshot now, but there may be one later; the message says why."""


class Snapshots(Protocol):
    """Who makes them."""

    async def get(self, stream: str, width: int) -> Snapshot:
        """Return the newest snapshot of a stream.

        Args:
            stream: `app/name`, checked.
            width: one of `WIDTHS`: no wider than that, and no wider than the stream.

        Raises:
            NoPictureError: there is none.
            NotNowError: come again.
        """


class HttpSnapshots:
    """The routes.

    Args:
        services: of this worker.
        snapshots: where they come from.
    """

    def __init__(self, services: Services, snapshots: Snapshots) -> None:
        self._services = services
        self._snapshots = snapshots
        self._origins = Origins(lambda: services.settings.allowed_origins)

    def add_to(self, app: web.Application) -> None:
        """Serve every name that ends so."""
        path = r"/{stream:.+}.jpg"
        app.router.add_get(path, self._show)  # and HEAD
        app.router.add_options(path, self._origins.preflight)

    async def _show(self, request: web.Request) -> web.Response:
        cors = self._origins.headers(request)
        stream = await allowed_stream(self._services, request, PROTOCOL, cors)
        width = _width(request.query.get("width"), cors)
        none_kept = {**cors, "Cache-Control": "no-store"}
        try:
            snapshot = await self._snapshots.get(stream, width)
        except NoPictureError as error:
            raise web.HTTPNotFound(text=f"{error}\n", headers=none_kept) from error
        except NotNowError as error:
            headers = {**none_kept, "Retry-After": str(RETRY_S)}
            raise web.HTTPServiceUnavailable(text=f"{error}\n", headers=headers) from error
        headers = {**cors, "Cache-Control": f"max-age={MAX_AGE_S}", "ETag": f'"{snapshot.tag}"'}
        if any(known.value in ("*", snapshot.tag) for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=snapshot.jpeg, content_type="image/jpeg", headers=headers)


def _width(wish: str | None, cors: Mapping[str, str]) -> int:
    """Return the next of our widths."""
    if wish is None:
        return USUAL_WIDTH
    if wish.isascii() and wish.isdecimal() and len(wish) <= len(str(WIDTHS[-1])):
        for width in WIDTHS:
            if MIN_WIDTH <= int(wish) <= width:
                return width
    text = f"'width' is a number from {MIN_WIDTH} to {WIDTHS[-1]}\n"
    raise web.HTTPBadRequest(text=text, headers=cors)
