"""What the page may tell of the streams, out of what the API tells of them."""

from __future__ import annotations

from collections.abc import Sequence

from slipstream.control.metrics.figures import StreamState
from slipstream.control.reports.merge import Answer
from slipstream.control.reports.overview import Overview
from slipstream.hub import Hub
from slipstream.page.listing import ListedStream, ListedTrack

OFF = "off"  # nobody publishes it: whether somebody waits for it is nobody's business


class ListedStreams:
    """The page's `Streams`.

    Args:
        overview: asks all workers.
        hub: of this one, which knows whether there is a stream at all.
    """

    def __init__(self, overview: Overview, hub: Hub) -> None:
        self._overview = overview
        self._hub = hub

    async def all(self) -> Sequence[ListedStream]:
        """Return all that there are."""
        return [_listed(report) for report in (await self._overview.streams()).streams]

    async def one(self, name: str) -> ListedStream:
        """Return the stream `app/name`; one that is off if there is none."""
        # Names may be made up faster than workers can be asked about them.
        if name not in self._hub.streams and not self._hub.directory.is_elsewhere(name):
            return ListedStream(name, OFF)
        report = await self._overview.stream(name, viewers=0)
        return ListedStream(name, OFF) if report is None else _listed(report.stream)


def _listed(report: Answer) -> ListedStream:
    publisher = report["publisher"]
    if report["state"] == StreamState.WAITING:
        return ListedStream(report["name"], OFF)
    return ListedStream(
        name=report["name"],
        state=report["state"],
        for_s=publisher["for_s"] if publisher else 0.0,
        bitrate_bps=publisher["bitrate_bps"] if publisher else 0,
        viewers=report["viewers"],
        tracks=[_track(track) for track in report["tracks"]],
    )


def _track(track: Answer) -> ListedTrack:
    codec = track["codec"]
    return ListedTrack(
        kind=track["kind"],
        codec=codec["codec"],
        codec_string=codec["codec_string"],
        width=codec["width"],
        height=codec["height"],
        frame_rate=codec["frame_rate"],
        sample_rate=codec["sample_rate"],
        channels=codec["channels"],
    )
