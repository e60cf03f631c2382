"""The command `slipstream`: parses, calls, prints.

What a command does lives elsewhere and is imported when it is called, so that `--help` and
mistakes are answered at once. A mistake of the user's is one line on standard error: exit code
2 if the command line cannot be understood, 1 if it cannot be done, 130 after Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter, validators

from slipstream import __version__
from slipstream.errors import SlipstreamError

Address = Annotated[str | None, Parameter(metavar="ADDR")]
Seconds = Annotated[float, Parameter(metavar="N", validator=validators.Number(gt=0))]
Switch = Annotated[bool, Parameter(negative="", show_default=False)]

FAILED, MISUSED, INTERRUPTED = 1, 2, 130

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
    config: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    rtmp: Address = None,
    http: Address = None,
    data_dir: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    pump_interval: Annotated[str | None, Parameter(metavar="auto|MS")] = None,
    allow_anonymous_publish: Switch = False,
    workers: Annotated[int | None, Parameter(metavar="N")] = None,
) -> None:
    """Serve until Ctrl-C; print what to paste into an encoder, and how to watch.

    The first start makes the publishing key and the API token and keeps them in the data
    folder. Flags go over the configuration file.

        slipstream serve
        slipstream serve --config slipstream.toml
        slipstream serve --rtmp 127.0.0.1:1935 --http :8000 --pump-interval 100

    Parameters
    ----------
    config
        Configuration file in TOML; `slipstream.sample.toml` explains every setting.
    rtmp
        Where RTMP is spoken: HOST:PORT, or :PORT on all addresses. Usually :1935.
    http
        Where HTTP is spoken: HTTP-FLV, API, metrics. Usually :8080.
    data_dir
        Folder for the keys. Usually ~/.local/state/slipstream.
    pump_interval
        Milliseconds between two rounds of sending: 0 for the least delay, 100 for the least
        work, auto to adapt.
    allow_anonymous_publish
        Let anybody publish who reaches the port, without a key.
    workers
        Processes; only 1 in this version.
    """
    from slipstream import app as server
    from slipstream.control import Flag, load_config

    given = (
        Flag("--rtmp", "server", "rtmp", rtmp),
        Flag("--http", "server", "http", http),
        Flag("--data-dir", "server", "data_dir", data_dir),
        Flag("--workers", "server", "workers", workers),
        Flag("--pump-interval", "net", "pump_interval", _number(pump_interval)),
        Flag(
            "--allow-anonymous-publish",
            "access",
            "publish",
            "anonymous" if allow_anonymous_publish else None,
        ),
    )
    server.serve(load_config(config, [flag for flag in given if flag.value is not None]))


@app.command
def check(file: Path, /) -> None:
    """Check a configuration file: every mistake with its line, key and reason.

    Nothing is started, and the running server does not notice.

        slipstream check slipstream.toml

    Parameters
    ----------
    file
        The file.
    """
    from slipstream.control import load_config

    load_config(file)
    sys.stdout.write(f"{file}: no mistakes\n")


@app.command
def demo(
    *,
    rtmp: Address = None,
    http: Address = None,
    data_dir: Annotated[Path | None, Parameter(metavar="DIR")] = None,
) -> None:
    """Serve a test picture and sound of our own, and print the addresses to watch.

    No encoder is needed; players are VLC, mpv, ffplay and everything else that knows RTMP or FLV.

        slipstream demo

    Parameters
    ----------
    rtmp
        Where RTMP is spoken: HOST:PORT, or :PORT on all addresses. Usually :1935.
    http
        Where HTTP is spoken. Usually :8080.
    data_dir
        Folder with the keys of a server; without it they last as long as the demo.
    """
    from slipstream.access import load_keys
    from slipstream.app import Worker
    from slipstream.control import Flag, Logs, load_config
    from slipstream.tools import demo as tool

    with TemporaryDirectory(prefix="slipstream-") as folder:
        given = (
            Flag("--rtmp", "server", "rtmp", rtmp),
            Flag("--http", "server", "http", http),
            Flag("--data-dir", "server", "data_dir", data_dir or Path(folder)),
            Flag("", "log", "level", "warning"),  # what goes well is seen in the figures
        )
        config = load_config(None, [flag for flag in given if flag.value is not None])
        keys = load_keys(config.server.data_dir)
        logs = Logs(config.log, secrets=(keys.publish_key, keys.api_token))
        logs.start()
        try:
            tool.run(
                partial(Worker, config, keys, logs),
                keys.publish_key,
                config.server.rtmp,
                config.server.http,
            )
        finally:
            logs.stop()


@app.command
def publish(source: str, url: str, /, *, loop: Switch = False) -> None:
    """Publish a file, or the test picture, in real time.

    What RTMP can carry is copied, the rest is encoded.

        slipstream publish film.mp4 "rtmp://localhost/live/film?key=KEY" --loop
        slipstream publish test "rtmp://localhost/live/test?key=KEY"

    Parameters
    ----------
    source
        Any file or address that FFmpeg's libraries can open, or `test` for the test picture.
    url
        Where to: rtmp://HOST/APP/NAME?key=KEY.
    loop
        Begin again at the end.
    """
    from slipstream.tools import publish as tool

    tool.run(source, url, loop=loop)


@app.command
def play(
    url: str,
    /,
    *,
    out: Annotated[Path | None, Parameter(metavar="FILE.flv")] = None,
    seconds: Seconds | None = None,
) -> None:
    """Watch a stream without showing it: bitrate, frame rate, gaps and delay, live.

    Nothing is decoded, so it takes next to no work; Ctrl-C ends it.

        slipstream play rtmp://localhost/live/test
        slipstream play http://localhost:8080/live/test.flv --out test.flv --seconds 60

    Parameters
    ----------
    url
        rtmp://HOST/APP/NAME or http://HOST/APP/NAME.flv.
    out
        File to keep the stream in, as FLV.
    seconds
        How long to watch; without it, until the stream ends.
    """
    from slipstream.tools import play as tool

    tool.run(url, out=out, seconds=seconds)


@app.command
def probe(
    url: str,
    /,
    *,
    seconds: Seconds = 5.0,
    as_json: Annotated[bool, Parameter(name="--json", negative="", show_default=False)] = False,
) -> None:
    """Look into a stream: tracks, codecs, GOP length, jitter.

    It watches for a few seconds, then tells.

        slipstream probe rtmp://localhost/live/test
        slipstream probe http://localhost:8080/live/test.flv --seconds 20 --json

    Parameters
    ----------
    url
        rtmp://HOST/APP/NAME or http://HOST/APP/NAME.flv.
    seconds
        How long to watch: long GOPs want more time.
    as_json
        Print JSON instead of a table.
    """
    from slipstream.tools import probe as tool

    tool.run(url, seconds=seconds, as_json=as_json)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    try:
        app(
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
    return 0


def _number(text: str | None) -> float | str | None:
    """A number if it is one; the configuration knows what else is allowed."""
    try:
        return float(text or "")
    except ValueError:
        return text


def _fail(text: str, code: int) -> int:
    for line in text.splitlines():
        sys.stderr.write(f"slipstream: {line}\n")
    return code
