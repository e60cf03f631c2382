"""Who asks over HTTP for a stream, for which one, and whether they may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import structlog
from aiohttp import hdrs, web

from slipstream.access import Action, Grant, Request
from slipstream.errors import BadNameError
from slipstream.formats import Selection, split_selection
from slipstream.hub import Notice, NoticeKind, stream_name
from slipstream.net.listener import plain_address
from slipstream.net.services import Services

log = structlog.get_logger()

ADDRESS = web.RequestKey("address", str)  # where a request comes from


class Visitor(NamedTuple):
    """Who asks over HTTP."""

    address: str
    """Without the port."""
    agent: str
    """What it calls itself: the header `User-Agent`."""
    query: str
    """As sent."""
    page: str
    """Where the player is: the header `Referer`."""
    encrypted: bool = False
    """Whether it came with TLS."""


async def allowed_tracks(
    services: Services, request: web.Request, protocol: str, cors: Mapping[str, str]
) -> tuple[str, Selection | None, Grant]:
    """Return what `{stream}` in the route names: a stream, maybe some of its tracks; and by what.

    Arguments and errors are those of `allowed_stream`.
    """
    try:
        named, selection = split_selection(request.match_info["stream"])
    except BadNameError as error:
        raise web.HTTPNotFound(text=f"{error}\n", headers=cors) from error
    stream, grant = await _allowed(services, request, named, protocol, cors)
    return stream, selection, grant


async def allowed_stream(
    services: Services, request: web.Request, protocol: str, cors: Mapping[str, str]
) -> str:
    """Return the name of the stream that is asked for, `{stream}` in the route.

    Args:
        services: of this worker.
        request: whose.
        protocol: by which it is to be watched.
        cors: headers for refusals.

    Raises:
        web.HTTPNotFound: it is no name.
        web.HTTPForbidden: they may not watch it.
    """
    stream, _ = await _allowed(services, request, request.match_info["stream"], protocol, cors)
    return stream


async def _allowed(
    services: Services, request: web.Request, named: str, protocol: str, cors: Mapping[str, str]
) -> tuple[str, Grant]:
    app, _, name = named.rpartition("/")
    try:
        stream = stream_name(app, name)
    except BadNameError as error:
        raise web.HTTPNotFound(text=f"{error}\n", headers=cors) from error
    asked = question(request, stream, protocol)
    decision = services.gate.decide(asked, services.loop.time())
    if decision.undecided:
        decision = await services.gate.ask(asked, services.loop.time())
    if not decision.allowed:
        _refused(services, asked, decision.reason)
        raise web.HTTPForbidden(text="not allowed\n", headers=cors)
    return stream, decision.grant


def _refused(services: Services, asked: Request, reason: str) -> None:
    """Note that somebody may not."""
    where = {"address": asked.address, "stream": asked.stream, "protocol": asked.protocol}
    log.warning("play.refused", **where, reason=reason)
    notice = Notice(
        NoticeKind.REFUSED,
        **where,
        client=asked.client,
        query=asked.query,
        reason=reason,
        detail={"action": str(asked.action)},
    )
    services.hub.notices.tell(notice)


def bearer(request: web.BaseRequest) -> str:
    """The token that is shown in the header `Authorization` (RFC 6750 §2.1); empty if none is."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def question(request: web.BaseRequest, stream: str, protocol: str) -> Request:
    """Whether who asks may watch a stream."""
    headers = request.headers
    return Request(
        Action.PLAY,
        stream,
        peer_address(request),
        request.query_string if "?" in request.raw_path else "",  # decoded
        protocol,
        client=headers.get(hdrs.USER_AGENT, ""),
        page_url=headers.get(hdrs.REFERER, ""),
        origin=headers.get(hdrs.ORIGIN, ""),
        bearer=bearer(request),
    )


def visitor(request: web.BaseRequest) -> Visitor:
    """Who makes a request."""
    agent = request.headers.get("User-Agent", "")
    page = request.headers.get("Referer", "")
    return Visitor(peer_address(request), agent, request.query_string, page, request.secure)


def peer_address(request: web.BaseRequest) -> str:
    """Where a request comes from; through our proxies, too."""
    address = request.get(ADDRESS)
    return plain_address(request.remote or "") if address is None else address
