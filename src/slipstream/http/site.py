"""All that is watched over HTTP in one worker: the routes, and what keeps up with the logs."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from slipstream.http.asked import Reception
from slipstream.http.connection import Caller
from slipstream.http.dash import HttpDash
from slipstream.http.hls import HttpHls
from slipstream.http.hls_ts import HttpHlsTs
from slipstream.http.live import MEDIA, HttpLive
from slipstream.http.media_segments import HttpSegments
from slipstream.http.presentation import Presentations
from slipstream.http.ready import ReadyAnswer
from slipstream.http.snapshots import HttpSnapshots, Snapshots
from slipstream.log import Log
from slipstream.net.services import Services

EXTENSIONS = (*MEDIA, "m3u8", "mpd")


class Site:
    """Call `add_to()` once, and `wake()` when a log has grown.

    Attributes:
        barred: who was sent away, and is not let in.

    Args:
        services: of this worker.
        snapshots: where pictures of streams come from.
        is_open: whether connections are kept for further requests.
    """

    def __init__(
        self, services: Services, snapshots: Snapshots, is_open: Callable[[], bool]
    ) -> None:
        self._presentations = Presentations(services)
        self.barred = self._presentations.barred
        self._reception = Reception(services, self._presentations)
        self._is_open = is_open
        playlists = [make(self._reception) for make in (HttpSegments, HttpHlsTs, HttpHls, HttpDash)]
        self._routes = (*playlists, HttpLive(services), HttpSnapshots(services, snapshots))

    def add_to(self, app: web.Application) -> None:
        """Answer on these routes."""
        for routes in self._routes:
            routes.add_to(app)

    def ready(self, target: str, caller: Caller) -> ReadyAnswer | None:
        """What can be sent at once; see `ReadyAnswers`."""
        return self._reception.shelf.find(target, caller) if self._is_open() else None

    def wake(self, log: Log) -> None:
        """A log has grown."""
        self._presentations.wake(log)
