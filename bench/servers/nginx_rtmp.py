"""nginx with nginx-rtmp-module, as Debian packages them (nginx, libnginx-mod-rtmp).

One worker, and the module's defaults but for three things: more connections than Debian's 512,
chunks of 4096 bytes (the default, written out because the benchmark speaks of it), and no logs of
accesses. The defaults that matter: no cache of pictures (a viewer waits for the next keyframe), at
most 256 messages waiting for a viewer, Nagle's algorithm on.
"""

from __future__ import annotations

import shutil

from . import Server, Start

PROGRAM = shutil.which("nginx") or "/usr/sbin/nginx"  # not on everyone's PATH in Debian
MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
CONFIGURATION = """\
load_module {module};
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 8192; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        chunk_size 4096;
        application live {{ live on; }}
    }}
}}
"""


def _command(start: Start) -> list[str]:
    configuration = start.folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(module=MODULE, folder=start.folder, port=start.rtmp_port)
    )
    error_log = str(start.folder / "error.log")
    return [PROGRAM, "-p", str(start.folder), "-c", str(configuration), "-e", error_log]


SERVERS = (Server("nginx-rtmp", _command),)
