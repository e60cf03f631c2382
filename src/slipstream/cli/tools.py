"""The commands for trying out and looking: publish, play, probe, demo, top."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Annotated

from cyclopts import Parameter, validators

from slipstream.cli.options import AsJson, Http, Rtmp, ServerDir, option, read_config, switch

DemoDir = Annotated[
    Path | None,
    option("DIR", "Folder with the keys of a server; without it they last as long as the demo."),
]
Source = Annotated[
    str,
    Parameter(
        help="Any file or address that FFmpeg's libraries can open, or `test` for the test picture."
    ),
]
Target = Annotated[str, Parameter(help="Where to: rtmp://HOST/APP/NAME?key=KEY, or rtmps://.")]
Loop = Annotated[bool, switch("Begin again at the end.")]
Url = Annotated[
    str, Parameter(help="rtmp://HOST/APP/NAME or http://HOST/APP/NAME.flv; rtmps, https.")
]
Insecure = Annotated[
    bool, switch("With rtmps and https: take any certificate, be it nobody's whom we trust.")
]
Out = Annotated[Path | None, option("FILE", "File to keep the stream in, as FLV.")]
Positive = Parameter(validator=validators.Number(gt=0))
WatchTime = Annotated[
    float | None,
    Positive,
    option("N", "How long to watch, in seconds; without it, until the stream ends."),
]
ProbeTime = Annotated[
    float, Positive, option("N", "How long to watch, in seconds; long GOPs want more time.")
]
ServerUrl = Annotated[str, option("URL", "Where the server speaks HTTP: http://HOST:PORT.")]
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
Once = Annotated[bool, switch("Print it, and that is all.")]


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
        config = read_config(
            None,
            ("--rtmp", "server", "rtmp", rtmp),
            ("--http", "server", "http", http),
            ("--data-dir", "server", "data_dir", data_dir or Path(folder)),
            ("", "log", "level", "warning"),  # what goes well is seen in the figures
        )
        run(config)


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
    from slipstream.control.configuration.settings import default_data_dir
    from slipstream.tools import top as tool

    if token is None:
        token = tool.read_token((data_dir or default_data_dir()).expanduser())
    tool.run(url, token, once=once)


NginxFile = Annotated[Path, Parameter(help="The nginx.conf; what it includes is read, too.")]
TomlFile = Annotated[Path | None, option("FILE", "Where to write it, instead of printing it.")]


def import_(file: NginxFile, /, *, out: TomlFile = None) -> None:
    """Turn the configuration of nginx-rtmp into ours.

    What could not be carried over is told on standard error, line by line, with the reason.

        slipstream import /etc/nginx/nginx.conf --out slipstream.toml
        slipstream check slipstream.toml
    """
    from slipstream.control.configuration.config import load_config
    from slipstream.tools.nginx_import import import_nginx

    imported = import_nginx(file)
    for note in imported.notes:
        sys.stderr.write(f"{note}\n")
    with NamedTemporaryFile("w", prefix=f"{file.name}-", suffix=".toml") as made:
        made.write(imported.toml)
        made.flush()
        load_config(Path(made.name))  # nothing is printed that we would not take ourselves
    if out is None:
        sys.stdout.write(imported.toml)
    else:
        out.write_text(imported.toml)
