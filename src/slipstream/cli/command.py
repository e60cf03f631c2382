"""The command `slipstream`: parses, calls, prints.

What a command does lives elsewhere and is imported when it is called, so that `--help` and
mistakes are answered at once. A mistake of the user's is one line on standard error: exit code
2 if the command line cannot be understood, 1 if it cannot be done, 130 after Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from slipstream import __version__
from slipstream.cli import credentials, serving, tools
from slipstream.cli.options import FAILED
from slipstream.errors import SlipstreamError

MISUSED, INTERRUPTED = 2, 130

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

for _command in (
    serving.serve,
    serving.replace,
    serving.reload,
    serving.check,
    serving.schema,
    serving.doctor,
    tools.demo,
    tools.publish,
    tools.play,
    tools.probe,
    tools.top,
    credentials.keys,
    credentials.users,
    credentials.token,
    credentials.operators,
):
    app.command(_command)
app.command(tools.import_, name="import")


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


def _fail(text: str, code: int) -> int:
    for line in text.splitlines():
        sys.stderr.write(f"slipstream: {line}\n")
    return code
