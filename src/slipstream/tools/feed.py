"""The child process of a source: media in, FLV on standard output.

Started as `python -m slipstream.tools.feed SOURCE [--loop]`, so that decoding and encoding
neither hold up a server's loop nor take it down with them. What it does with each track, and
why it fails, it tells on standard error, a line each. It ends when nobody reads any more.
"""

from __future__ import annotations

import sys

import av

from slipstream.tools import TEST
from slipstream.tools.remux import feed_file
from slipstream.tools.test_source import feed_test
from slipstream.transcode.pipe import OPTIONS, STANDARD_OUTPUT, run_child, tell


def feed(source: str, *, loop: bool) -> None:
    """Write a source to standard output.

    Raises:
        ValueError: there is nothing in it that could be published.
        OSError: the source cannot be read, or the output not be written.
    """
    output = av.open(STANDARD_OUTPUT, "w", "flv", OPTIONS)
    if source == TEST:
        feed_test(output, tell)
    else:
        feed_file(source, output, tell, loop=loop)
    output.close()


def main(arguments: list[str]) -> int:
    """Run; return the exit code."""
    source, *flags = arguments
    return run_child(lambda: feed(source, loop="--loop" in flags))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
