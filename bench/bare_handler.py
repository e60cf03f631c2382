"""What the HTTP library alone costs: the files of a folder, kept in memory, a handler for each.

python bare_handler.py FOLDER PORT
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from aiohttp import web

TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".m4s": "video/mp4"}


def _handler(file: Path) -> Callable[[web.Request], Awaitable[web.Response]]:
    body, content_type = file.read_bytes(), TYPES[file.suffix]

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type)

    return handle


def main(folder: Path, port: int) -> None:
    """Serve until told to stop."""
    app = web.Application()
    for file in folder.rglob("*.m*"):
        app.router.add_get(f"/{file.relative_to(folder)}", _handler(file))
    loop = uvloop.new_event_loop()
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, loop=loop, print=None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
