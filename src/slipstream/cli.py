"""The command `slipstream`: parses, calls, prints.

What a command does lives elsewhere and is imported when it is called, so that `--help` and
mistakes are answered at once. A mistake of the user's is one line on standard error: exit code
2 if the command line cannot be understood, 1 if it cannot be done, 130 after Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, CycloptsError, Parameter, validators

from slipstream import __version__, credentials
from slipstream.errors import SlipstreamError

if TYPE_CHECKING:
    from signal import Signals

    from slipstream.control import Config

FAILED, MISUSED, INTERRUPTED = 1, 2, 130


def _option(metavar: str, text: str) -> Parameter:
    return Parameter(metavar=metavar, help=text)


def _switch(text: str, *names: str) -> Parameter:
    return Parameter(name=names or None, negative="", show_default=False, help=text)


# What may be given, and the help for it.
ConfigFile = Annotated[
    Path | None,
    _option("FILE", "Configuration file in TOML; `slipstream.sample.toml` explains every setting."),
]
Rtmp = Annotated[
    str | None,
    _option("ADDR", "Where RTMP is spoken: HOST:PORT, or :PORT on all addresses. Usually :1935."),
]
Http = Annotated[
    str | None,
    _option("ADDR", "Where HTTP is spoken: HTTP-FLV, API, metrics. Usually :8080."),
]
Tls = Annotated[
    Literal["auto"] | None,
    _option("auto", "Speak RTMPS and HTTPS with a certificate of our own making: to try it."),
]
DataDir = Annotated[
    Path | None, _option("DIR", "Folder for the keys. Usually ~/.local/state/slipstream.")
]
DemoDir = Annotated[
    Path | None,
    _option("DIR", "Folder with the keys of a server; without it they last as long as the demo."),
]
PumpInterval = Annotated[
    str | None,
    _option(
        "auto|MS",
        "Milliseconds between two rounds of sending: 0 for the least delay, 100 for the least "
        "work, auto to adapt.",
    ),
]
Anonymous = Annotated[bool, _switch("Let anybody publish who reaches the port, without a key.")]
Workers = Annotated[
    str | None, _option("auto|N", "Processes that share the work; usually one for each core.")
]
ServerPid = Annotated[
    int | None, _option("PID", "The server's process, instead of the one that serves from DIR.")
]
ServerDir = Annotated[
    Path | None, _option("DIR", "The server's data folder. Usually ~/.local/state/slipstream.")
]

ServerUrl = Annotated[str, _option("URL", "Where the server speaks HTTP: http://HOST:PORT.")]
ApiToken = Annotated[
    str | None,
    Parameter(
        metavar="TOKEN",
        env_var="SLIPSTREAM_TOKEN",
        show_env_var=False,
        help="A token of its API, or in the variable SLIPSTREAM_TOKEN, where no other user sees "
        "it. Usually that of the data folder.",
    ),
]
Once = Annotated[bool, _switch("Print it, and that is all.")]

CheckFile = Annotated[Path, Parameter(help="The file.")]

Source = Annotated[
    str,
    Parameter(
        help="Any file or address that FFmpeg's libraries can open, or `test` for the test picture."
    ),
]
Target = Annotated[str, Parameter(help="Where to: rtmp://HOST/APP/NAME?key=KEY, or rtmps://.")]
Loop = Annotated[bool, _switch("Begin again at the end.")]

Url = Annotated[
    str, Parameter(help="rtmp://HOST/APP/NAME or http://HOST/APP/NAME.flv; rtmps, https.")
]
Insecure = Annotated[
    bool, _switch("With rtmps and https: take any certificate, be it nobody's whom we trust.")
]
Out = Annotated[Path | None, _option("FILE", "File to keep the stream in, as FLV.")]
Positive = Parameter(validator=validators.Number(gt=0))
WatchTime = Annotated[
    float | None,
    Positive,
    _option("N", "How long to watch, in seconds; without it, until the stream ends."),
]
ProbeTime = Annotated[
    float, Positive, _option("N", "How long to watch, in seconds; long GOPs want more time.")
]
AsJson = Annotated[bool, _switch("Print JSON instead of a table.", "--json")]

app = App(
    name="slipstream",
    version=__version__,
    version_flags=["--version"],
    help_format="markdown",
    suppress_keyboard_interrupt=False,
    help="""A live-streaming media server: publish over RTMP, watch over RTMP and HTTP-FLV.

Try it, with a test picture of its own:

    slipstream demo

Serve, and publish with the key that it prints:

    slipstream serve
    slipstream publish film.mp4 "rtmp://localhost/live/film?key=KEY" --loop
    slipstream play rtmp://localhost/live/film

`slipstream COMMAND --help` tells more of each command.""",
)


@app.command
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
    run(lambda: _config(config, *given, environment=os.environ), arguments)


@app.command
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


@app.command
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


@app.command
def check(file: CheckFile, /) -> None:
    """Check a configuration file: every mistake with its line, key and reason.

    Nothing is started, and the running server does not notice.

        slipstream check slipstream.toml
    """
    _config(file)
    sys.stdout.write(f"{file}: no mistakes\n")


@app.command
def schema() -> None:
    """Print a JSON Schema of the configuration file, for editors that know TOML.

    With it they complete names, show what a setting means, and underline mistakes.

        slipstream schema > slipstream.schema.json
    """
    from json import dumps

    from slipstream.control.schema import config_schema

    sys.stdout.write(dumps(config_schema(), indent=2) + "\n")


@app.command
def doctor(*, config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Look at this machine as the server would find it, and say what to do about what is wrong.

    Limits, clock, data folder, addresses, certificates. Nothing is changed. The exit code is 1 if
    the server would not serve here, or not for long.

        slipstream doctor
        slipstream doctor --config /etc/slipstream.toml --json
    """
    from slipstream.control.pid_file import serving_process
    from slipstream.tools import doctor as tool

    settings = _config(config, environment=os.environ)
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


@app.command
def top(
    *,
    url: ServerUrl = "http://127.0.0.1:8080",
    token: ApiToken = None,
    data_dir: ServerDir = None,
    once: Once = False,
) -> None:
    """Show how a server is doing: workers, streams and viewers, every two seconds.

    A server elsewhere wants its address and a token; to look, the role `read` is enough.

        slipstream top
        slipstream top --url http://media.example:8080 --once
    """
    from slipstream.control.settings import default_data_dir
    from slipstream.tools import top as tool

    if token is None:
        token = tool.read_token((data_dir or default_data_dir()).expanduser())
    tool.run(url, token, once=once)


@app.command
def demo(
    *,
    rtmp: Rtmp = None,
    http: Http = None,
    data_dir: DemoDir = None,
) -> None:
    """Serve a test picture and sound of our own, and print the addresses to watch.

    No encoder is needed; players are VLC, mpv, ffplay and everything else that knows RTMP or FLV.

        slipstream demo
    """
    from slipstream.app import demonstrate as run

    with TemporaryDirectory(prefix="slipstream-") as folder:
        config = _config(
            None,
            ("--rtmp", "server", "rtmp", rtmp),
            ("--http", "server", "http", http),
            ("--data-dir", "server", "data_dir", data_dir or Path(folder)),
            ("", "log", "level", "warning"),  # what goes well is seen in the figures
        )
        run(config)


@app.command
def publish(
    source: Source, url: Target, /, *, loop: Loop = False, insecure: Insecure = False
) -> None:
    """Publish a file, or the test picture, in real time.

    What RTMP can carry is copied, the rest is encoded.

        slipstream publish film.mp4 "rtmp://localhost/live/film?key=KEY" --loop
        slipstream publish test "rtmp://localhost/live/test?key=KEY"
    """
    from slipstream.tools import publish as tool

    tool.run(source, url, loop=loop, insecure=insecure)


@app.command
def play(
    url: Url,
    /,
    *,
    out: Out = None,
    seconds: WatchTime = None,
    insecure: Insecure = False,
) -> None:
    """Watch a stream without showing it: bitrate, frame rate, gaps and delay, live.

    Nothing is decoded, so it takes next to no work; Ctrl-C ends it.

        slipstream play rtmp://localhost/live/test --seconds 60
        slipstream play http://localhost:8080/live/test.flv --out test.flv
    """
    from slipstream.tools import play as tool

    tool.run(url, out=out, seconds=seconds, insecure=insecure)


@app.command
def probe(
    url: Url,
    /,
    *,
    seconds: ProbeTime = 5.0,
    as_json: AsJson = False,
    insecure: Insecure = False,
) -> None:
    """Look into a stream: tracks, codecs, GOP length, jitter.

    It watches for a few seconds, then tells.

        slipstream probe rtmp://localhost/live/test
        slipstream probe rtmp://localhost/live/test --seconds 20 --json
    """
    from slipstream.tools import probe as tool

    tool.run(url, seconds=seconds, as_json=as_json, insecure=insecure)


for _group in (credentials.keys, credentials.users, credentials.operators, credentials.token):
    app.command(_group)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    try:
        code = app(
            sys.argv[1:] if arguments is None else arguments,
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except CycloptsError as error:
        words = " ".join(str(error).split())
        return _fail(f"{words} Try 'slipstream --help'.", MISUSED)
    except SlipstreamError as error:
        return _fail(str(error), FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    return code or 0


def _config(
    file: Path | None,
    *given: tuple[str, str, str, object],
    environment: Mapping[str, str] | None = None,
) -> Config:
    """The configuration: the file, over it the environment, over both the flags that were given."""
    from slipstream.control import Flag, load_config

    flags = [Flag(*flag) for flag in given]
    return load_config(file, [flag for flag in flags if flag.value is not None], environment or {})


def _tell(number: Signals, pid: int | None, data_dir: Path | None) -> None:
    """Send a signal to a server, by its process or its data folder."""
    from slipstream.control.pid_file import send_signal
    from slipstream.control.settings import default_data_dir

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


def _whole_number(text: str | None) -> int | str | None:
    """A whole number if it is one, likewise."""
    try:
        return int(text or "")
    except ValueError:
        return text


def _count(text: str | None) -> int | str | None:
    """A whole number if it is one; the configuration knows what else is allowed."""
    try:
        return int(text or "")
    except ValueError:
        return text


def _fail(text: str, code: int) -> int:
    for line in text.splitlines():
        sys.stderr.write(f"slipstream: {line}\n")
    return code
