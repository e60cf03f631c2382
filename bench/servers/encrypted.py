"""RTMPS: Slipstream's own, and nginx's TLS proxy in front of its module for RTMP.

nginx is one worker here, too: what arrives over TLS (libnginx-mod-stream) goes to the module by a
connection of its own. Both show a certificate with an elliptic key (P-256) and speak TLS 1.3.
Publishers come without TLS, so that all that is seen is what viewers cost.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from slipstream.tls.self_signed import make_self_signed

from ..load.rtmps import RtmpsClient
from . import Server, Start
from .nginx_rtmp import CONFIGURATION, MODULE, PROGRAM
from .slipstream import DATA_FOLDER

STREAM_MODULE = Path(MODULE).with_name("ngx_stream_module.so")
PROXY = """
stream {{
    server {{
        listen 127.0.0.1:{tls_port} ssl;
        ssl_certificate {files.certificate};
        ssl_certificate_key {files.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        proxy_pass 127.0.0.1:{port};
    }}
}}
"""


def _slipstream(pump_interval: str, start: Start) -> list[str]:
    configuration = start.folder / "slipstream.toml"
    places = f'rtmps = "127.0.0.1:{start.http_port}"\nhttps = ""\n'
    configuration.write_text(f'[server]\n{places}[tls]\ncertificates = "auto"\n')
    return [
        *(sys.executable, "-m", "slipstream", "serve"),
        *("--config", str(configuration)),
        *("--rtmp", f"127.0.0.1:{start.rtmp_port}"),
        *("--http", "127.0.0.1:0"),
        *("--data-dir", str(start.folder / DATA_FOLDER)),
        *("--workers", "1"),
        *("--pump-interval", pump_interval),
        "--allow-anonymous-publish",
    ]


def _nginx(start: Start) -> list[str]:
    files = make_self_signed(start.folder)
    configuration = start.folder / "nginx.conf"
    plain = CONFIGURATION.format(module=MODULE, folder=start.folder, port=start.rtmp_port)
    proxy = PROXY.format(tls_port=start.http_port, port=start.rtmp_port, files=files)
    configuration.write_text(f"load_module {STREAM_MODULE};\n{plain}{proxy}")
    error_log = str(start.folder / "error.log")
    return [PROGRAM, "-p", str(start.folder), "-c", str(configuration), "-e", error_log]


SERVERS = (
    Server("TLS proxy and nginx-rtmp", _nginx, player=RtmpsClient),
    Server("RTMPS at once", partial(_slipstream, "0"), player=RtmpsClient),
    Server("RTMPS auto", partial(_slipstream, "auto"), player=RtmpsClient),
    Server("RTMPS 100 ms", partial(_slipstream, "100"), player=RtmpsClient),
)
