"""RTMP URLs, as people type them: an address with all its parts, or one line of complaint."""

from __future__ import annotations

from slipstream.errors import SlipstreamError
from slipstream.rtmp import parse_rtmp_url

ALLOWED = (SlipstreamError,)
MAX_BYTES = 512


def run(data: bytes) -> None:
    """Split the text, as it is and behind a scheme."""
    text = data.decode(errors="surrogateescape")
    for url in (text, f"rtmp://{text}"):
        try:
            parsed = parse_rtmp_url(url)
        except ALLOWED as error:
            assert len(str(error).splitlines()) == 1
            continue
        assert parsed.host
        assert 0 < parsed.port < 1 << 16
        assert parsed.app
        assert parsed.name
        assert parsed.tc_url.startswith("rtmps://" if parsed.tls else "rtmp://")
