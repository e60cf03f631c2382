"""Queries of viewers: how far behind they want to be, and how far behind they may fall."""

from __future__ import annotations

from slipstream.hub import StreamSettings
from slipstream.net.wish import BadWishError, parse_wish

ALLOWED = (BadWishError,)
MAX_BYTES = 256


def run(data: bytes) -> None:
    """Read the query as it is, and as the value of each field."""
    text = data.decode(errors="surrogateescape")
    settings = StreamSettings()
    for query in (text, f"delay={text}", f"latency={text}&delay=1.26"):
        try:
            wish = parse_wish(query)
        except ALLOWED as error:
            assert len(str(error).splitlines()) == 1
            continue
        assert wish.delay_ms >= 0
        assert 0 <= wish.hold_ms(settings) <= settings.keep_ms
        assert wish.limit_ms(settings) > 0
