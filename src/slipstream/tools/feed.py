"""The child process of a source: media in, FLV on standard output.

Started as `python -m slipstream.tools.feed SOURCE [--loop]`, so that decoding and encoding
neither hold up a server's loop nor take it down with them. What it does with each track, and
why it fails, it tells on standard error, a line each. It ends when nobody reads any more.
"""

from __future__ import annotations

import sys

import av
from av.container import OutputContainer

from slipstream.tools import TEST
from slipstream.tools.remux import feed_file
from slipstream.tools.test_source import feed_test

OPTIONS = {
    "flvflags": "no_duration_filesize",  # nobody can go back in a pipe to write them
    "flush_packets": "1",
    # A track that has ended holds the other one up no longer than this, in µs.
    "max_interleave_delta": "1000000",
}


def feed(source: str, output: OutputContainer, *, loop: bool) -> None:
    """Write a source to `output`.

    Raises:
        SourceError: there is nothing in it that could be published.
        OSError: the source cannot be read, or the output not be written.
    """
    if source == TEST:
        feed_test(output, _tell)
    else:
        feed_file(source, output, _tell, loop=loop)
    output.close()


def main(arguments: list[str]) -> int:
    """Run; return the exit code."""
    source, *flags = arguments
    try:
        feed(source, av.open("pipe:1", "w", "flv", OPTIONS), loop="--loop" in flags)
    except BrokenPipeError:
        return 0  # the reader has had enough
    except (av.FFmpegError, OSError, ValueError) as error:
        _tell(_reason(error))
        return 1
    return 0


def _reason(error: Exception) -> str:
    """What FFmpeg says, without its number and the file's name, which the user knows."""
    if isinstance(error, (av.FFmpegError, OSError)) and error.strerror:
        return error.strerror
    return str(error)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
