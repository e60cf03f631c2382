"""The commands for whoever runs a server: to serve, and what goes with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from slipstream.cli.options import (
    FAILED,
    AsJson,
    ConfigFile,
    Http,
    Rtmp,
    ServerDir,
    option,
    read_config,
    switch,
)

if TYPE_CHECKING:
    from signal import Signals

Tls = Annotated[
    Literal["auto"] | None,
    option("auto", "Speak RTMPS and HTTPS with a certificate of our own making: to try it."),
]
DataDir = Annotated[
    Path | None, option("DIR", "Folder for the keys. Usually ~/.local/state/slipstream.")
]
PumpInterval = Annotated[
    str | None,
    option(
        "auto|MS",
        "Milliseconds between two rounds of sending: 0 for the least delay, 100 for the least "
        "work, auto to adapt.",
    ),
]
Anonymous = Annotated[bool, switch("Let anybody publish who reaches the port, without a key.")]
Workers = Annotated[
    str | None, option("auto|N", "Processes that share the work; usually one for each core.")
]
ServerPid = Annotated[
    int | None, option("PID", "The server's process, instead of the one that serves from DIR.")
]
CheckFile = Annotated[Path, Parameter(help="The file.")]


def serve(
    *,
    config: ConfigFile = None,
    rtmp: Rtmp = None,
    http: Http = None,
    tls: Tls = None,
    data_dir: DataDir = None,
    pump_interval: PumpInterval = None,
    allow_anonymous_publish: Anonymous = False,
    workers: Workers = None,
) -> None:
    """Serve until Ctrl-C; print what to paste into an encoder, and how to watch.

    The first start makes the publishing key and the API token and keeps them in the data
    folder. Flags go over environment variables (SLIPSTREAM_SERVER__RTMP and the like), and these
    over the configuration file. A second Ctrl-C ends it within 2 seconds.

        slipstream serve
        slipstream serve --config slipstream.toml
        slipstream serve --rtmp 127.0.0.1:1935 --http :8000 --pump-interval 100
    """
    from slipstream.supervisor import serve as run

    publish = "anonymous" if allow_anonymous_publish else None
    given = (
        ("--rtmp", "server", "rtmp", rtmp),
        ("--http", "server", "http", http),
        ("--tls", "tls", "certificates", tls),
        ("--data-dir", "server", "data_dir", data_dir),
        ("--workers", "server", "workers", _count(workers)),
        ("--pump-interval", "net", "pump_interval", _number(pump_interval)),
        ("--allow-anonymous-publish", "access", "publish", publish),
    )
    # With these, a process that takes over serves as this one does.
    arguments = [] if config is None else [f"--config={config}"]
    for flag, *_, value in given:
        if value is not None:
            arguments.append(flag if value is publish else f"{flag}={value}")
    run(lambda: read_config(config, *given, environment=os.environ), arguments)


def replace(*, pid: ServerPid = None, data_dir: ServerDir = None) -> None:
    """Have a running server replaced by the program and the configuration as they are now.

    Nobody is disconnected: new workers take over the listening sockets, those of before serve
    whom they have until they have left. If the new ones could not serve, nothing changes. The
    server's log tells how it went.

        slipstream replace
        slipstream replace --data-dir /var/lib/slipstream
    """
    from signal import SIGUSR2

    _tell(SIGUSR2, pid, data_dir)


def reload(*, pid: ServerPid = None, data_dir: ServerDir = None) -> None:
    """Have a running server read its configuration again, without touching a stream.

    What is right is in force within a second; if anything is wrong, all of it is refused, and the
    server goes on with what it has. The server's log tells which, and what has to wait for
    `slipstream replace`.

        slipstream reload
        slipstream reload --data-dir /var/lib/slipstream
    """
    from signal import SIGHUP

    _tell(SIGHUP, pid, data_dir)


def check(file: CheckFile, /) -> None:
    """Check a configuration file: every mistake with its line, key and reason.

    Nothing is started, and the running server does not notice.

        slipstream check slipstream.toml
    """
    read_config(file)
    sys.stdout.write(f"{file}: no mistakes\n")


def schema() -> None:
    """Print a JSON Schema of the configuration file, for editors that know TOML.

    With it they complete names, show what a setting means, and underline mistakes.

        slipstream schema > slipstream.schema.json
    """
    from json import dumps

    from slipstream.control.configuration.schema import config_schema

    sys.stdout.write(dumps(config_schema(), indent=2) + "\n")


def doctor(*, config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Look at this machine as the server would find it, and say what to do about what is wrong.

    Limits, clock, data folder, addresses, certificates. Nothing is changed. The exit code is 1 if
    the server would not serve here, or not for long.

        slipstream doctor
        slipstream doctor --config /etc/slipstream.toml --json
    """
    from slipstream.control.pid_file import serving_process
    from slipstream.tools import doctor as tool

    settings = read_config(config, environment=os.environ)
    server, encrypted = settings.server, settings.encrypted()
    spoken = ("RTMP", "HTTP", "RTMPS", "HTTPS")
    addresses = zip(spoken, (server.rtmp, server.http, *encrypted), strict=True)
    patient = tool.Patient(
        addresses=[(name, address) for name, address in addresses if address],
        data_dir=server.data_dir,
        workers=server.worker_count,
        serving=serving_process(server.data_dir),
        certificates=settings.tls.paths,
    )
    return 0 if tool.run(patient, as_json=as_json) else FAILED


def _tell(number: Signals, pid: int | None, data_dir: Path | None) -> None:
    """Send a signal to a server, by its process or its data folder."""
    from slipstream.control.configuration.settings import default_data_dir
    from slipstream.control.pid_file import send_signal

    if pid is not None:
        pid = send_signal(number, pid=pid)
    else:
        pid = send_signal(number, folder=(data_dir or default_data_dir()).expanduser())
    sys.stdout.write(f"told process {pid}; its log says how it goes\n")


def _number(text: str | None) -> float | str | None:
    """A number if it is one; the configuration knows what else is allowed."""
    try:
        return float(text or "")
    except ValueError:
        return text


def _count(text: str | None) -> int | str | None:
    """A whole number if it is one; the configuration knows what else is allowed."""
    try:
        return int(text or "")
    except ValueError:
        return text
