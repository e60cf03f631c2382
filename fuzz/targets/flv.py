"""FLV files and streams, whole and cut. The last four bytes say where, and limit the tags."""

from __future__ import annotations

from collections.abc import Iterable

from fuzz.plain import plain
from fuzz.script import pieces, with_tail
from slipstream.errors import MediaError
from slipstream.media import FlvParser, FlvTag, build_flv_tag, flv, flv_header

PlainParser = plain(flv).FlvParser
ALLOWED = (MediaError,)  # kept in `error`, raised by the next call
MAX_BYTES = 600


def run(data: bytes) -> None:
    """Parse the bytes whole and cut; write what came out, and parse that."""
    data, (limit, low, high, step) = with_tail(data, 4)
    max_tag_size = 1 << limit % 24
    cut = _parse(FlvParser(max_tag_size=max_tag_size), pieces(data, low | high << 8, step))
    assert _parse(PlainParser(max_tag_size=max_tag_size), [data]) == cut
    tags, _ = cut
    written = flv_header() + b"".join(build_flv_tag(*tag) for tag in tags)
    assert _parse(PlainParser(max_tag_size=max_tag_size), [written]) == (tags, False)


def _parse(parser: FlvParser, reads: Iterable[bytes]) -> tuple[list[FlvTag], bool]:
    tags: list[FlvTag] = []
    for read in reads:
        tags += parser.receive_data(read)
        if parser.error is not None:
            try:
                parser.receive_data(b"F")
            except ALLOWED:
                return tags, True
            raise AssertionError("a spent parser takes more")
    return tags, False
