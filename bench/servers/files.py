"""Servers of files: nginx, and a bare handler of the HTTP library that Slipstream uses.

Both give out the same bytes at the same addresses as Slipstream did when they were recorded.

nginx as Debian configures it (`sendfile`, `tcp_nopush`), without a log of accesses, and with
connections that are kept for any number of requests. The handler is the least that
the library lets one write, in a process like ours: uvloop, one worker.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from . import Server, Start
from .nginx_rtmp import PROGRAM

Files = Mapping[str, bytes]  # by the path that is asked for
NGINX, BARE = "nginx files", "bare handler"
HANDLER = Path(__file__).parent.parent / "bare_handler.py"
CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    types {{ application/vnd.apple.mpegurl m3u8; video/mp4 m4s; }}
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
    }}
}}
"""
SERVERS = ()  # what they serve has to be recorded first


def _write(files: Files, folder: Path) -> Path:
    for path, content in files.items():
        file = folder / "files" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder / "files"


def _nginx(files: Files, start: Start) -> list[str]:
    _write(files, start.folder)
    configuration = start.folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=start.folder, port=start.http_port))
    start.folder.chmod(0o755)  # for its worker, which is another user if we are root
    error_log = str(start.folder / "error.log")
    return [PROGRAM, "-p", str(start.folder), "-c", str(configuration), "-e", error_log]


def _bare(files: Files, start: Start) -> list[str]:
    return [sys.executable, str(HANDLER), str(_write(files, start.folder)), str(start.http_port)]


def serving(files: Files) -> list[Server]:
    """Both, with these files."""
    commands: dict[str, Callable[[Files, Start], list[str]]] = {NGINX: _nginx, BARE: _bare}
    return [
        Server(name, partial(command, files), speaks_rtmp=False)
        for name, command in commands.items()
    ]
