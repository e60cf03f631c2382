"""Debian's nginx with its RTMP module, as somebody who pushes streams to us and pulls them; and as
a proxy before our HTTP.

Sources: the module's own documentation of `push`, `pull` and `record`; what it writes is an FLV
file of all that it got.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server import wait_until

MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"  # of Debian's package libnginx-mod-rtmp
CONFIGURATION = """\
load_module {module};
daemon off;
master_process off;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        application relay {{
            live on;
            {directives}
        }}
    }}
}}
"""
WEB_CONFIGURATION = """\
daemon off;
master_process off;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""
NAME = "film"  # of the stream, with nginx


@contextmanager
def pushing(url: str, folder: Path) -> Iterator[str]:
    """An nginx that pushes on to `url`; yields the URL to publish to."""
    with relaying(f"push {url};", folder) as place:
        yield place


@contextmanager
def relaying(directives: str, folder: Path) -> Iterator[str]:
    """An nginx that does this with what is published; yields the URL to publish to, or to play."""
    port = free_port()
    command = _command(folder, port, directives)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _listens(process, port), "the start of nginx")
            yield f"rtmp://127.0.0.1:{port}/relay/{NAME}"
        finally:
            process.terminate()


@contextmanager
def serving(site: str, folder: Path, port: int) -> Iterator[None]:
    """An nginx with this in its `http` block, which listens to that port."""
    configuration = folder / "nginx.conf"
    configuration.write_text(WEB_CONFIGURATION.format(folder=folder, site=site))
    with subprocess.Popen(_start(configuration, folder), stdin=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _listens(process, port), "the start of nginx")
            yield
        finally:
            process.terminate()


@contextmanager
def proxying(location: str, folder: Path) -> Iterator[str]:
    """An nginx that hands HTTP requests on, as a `location` says; yields its URL."""
    port = free_port()
    site = f"server {{ listen 127.0.0.1:{port}; {location} }}"
    with serving(site, folder, port):
        yield f"http://127.0.0.1:{port}"


def pull_command(url: str, file: Path) -> list[str]:
    """The command that pulls `url` and records it as the file."""
    directives = (
        f"pull {url} name={file.stem} static; pull_reconnect 60s; "
        f"record all; record_path {file.parent}; record_suffix {file.suffix};"
    )
    return _command(file.parent, free_port(), directives)


def _command(folder: Path, port: int, directives: str) -> list[str]:
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(module=MODULE, folder=folder, port=port, directives=directives)
    )
    return _start(configuration, folder)


def _start(configuration: Path, folder: Path) -> list[str]:
    return ["nginx", "-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")]


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, f"nginx ended with {process.returncode}"
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
