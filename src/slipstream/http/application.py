"""The HTTP server's limits, and the headers that every answer has or must not have."""

from __future__ import annotations

from aiohttp import web, web_response

# Seconds from an answer to the next whole head, no byte resets it: players of long segments ask
# every ten seconds, and proxies keep connections for a minute.
KEEP_ALIVE_S = 75.0
MAX_BODY_BYTES = 256 << 10
LIMITS = {
    "max_line_size": 8 << 10,  # bytes of the request line
    "max_field_size": 8 << 10,  # bytes of one header
    "max_headers": 100,
    "keepalive_timeout": KEEP_ALIVE_S,
}

FIRST_HEAD_S = 10.0  # until the first head must be whole; no byte resets this, either

ALWAYS = {"X-Content-Type-Options": "nosniff"}

# What aiohttp answers to a request that it cannot read passes no application, so its name and
# version cannot be taken out of the answer; this one is put in.
web_response.SERVER_SOFTWARE = "slipstream"  # type: ignore[attr-defined]


def http_application() -> web.Application:
    """An application without routes, within the limits."""
    app = web.Application(client_max_size=MAX_BODY_BYTES, handler_args=LIMITS)
    app.on_response_prepare.append(_finish_headers)
    return app


async def _finish_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.popall("Server", None)  # the library's name and version
