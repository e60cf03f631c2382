"""`slipstream publish`: a file or the test picture to a server, in real time."""

from __future__ import annotations

from rich.console import Console

from slipstream.net.rtmp_client import RtmpClient
from slipstream.rtmp import parse_rtmp_url
from slipstream.tools.publication import Publication
from slipstream.tools.screen import LiveFigures, open_console, run_until_stopped
from slipstream.tools.source import Source
from slipstream.tools.wording import url_words


def run(source: str, url: str, *, loop: bool = False, insecure: bool = False) -> None:
    """Publish until the source ends, or Ctrl-C.

    Raises:
        SlipstreamError: the source cannot be read, or the server says no or goes.
    """
    run_until_stopped(_publish(Source(source, loop=loop), url, open_console(), insecure=insecure))


async def _publish(source: Source, url: str, console: Console, *, insecure: bool) -> None:
    target = parse_rtmp_url(url)
    async with source:
        tags = await source.read()  # first: no server need know of a source that is none
        async with await RtmpClient.open(target, insecure=insecure) as client:
            await client.publish()
            console.print(f"Publishing {source.name} to {url_words(url)}")
            for note in source.notes:
                console.print(f"  {note}", style="dim")
            publication = Publication(source, client)
            try:
                with LiveFigures(console, publication.render):
                    await publication.run(tags)
            finally:
                console.print(publication.summary())
