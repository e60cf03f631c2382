"""The child process of a slate: a card or a file in, one reel of it as FLV on standard output.

Started as `python -m slipstream.transcode.slate_child ORDER` (`order.Order`, as JSON). What it
has to say it tells on standard error, a line each.
"""

from __future__ import annotations

import os
import sys

import av

from slipstream.transcode.encoding import open_encoding
from slipstream.transcode.film import fill
from slipstream.transcode.order import Order
from slipstream.transcode.pipe import OPTIONS, STANDARD_OUTPUT, run_child, tell

QUIET = {"SVT_LOG": "1"}  # errors only; SVT-AV1 would fill our standard error with its figures


def make_reel(order: Order) -> None:
    """Write what is ordered to standard output.

    Raises:
        OSError: the file cannot be read, or the output not be written.
        ValueError: there is nothing in the file that could be shown, or no encoder for it.
    """
    encoding = open_encoding(
        order.shape, lambda: av.open(STANDARD_OUTPUT, "w", "flv", OPTIONS), tell
    )
    fill(encoding, order)


def main(order: str) -> int:
    """Run; return the exit code."""
    os.environ.update(QUIET)
    return run_child(lambda: make_reel(Order.from_json(order)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
