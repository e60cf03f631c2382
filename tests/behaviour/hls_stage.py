"""A stream whose time goes on when a test says so, and who watches it by HLS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from slipstream.media import Frame
from tests.formats.cmaf_stage import CONFIGS, stream
from tests.hls_client import HlsClient
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer

LONGEST_MS = 120_000
_FRAMES = stream(LONGEST_MS)


class Show:
    """A publisher; `until(ms)` sends all frames before that time.

    Attributes:
        now_ms: the stream's time.
    """

    def __init__(self, server: RunningServer, name: str, stack: ExitStack) -> None:
        self._server, self._name, self._stack = server, name, stack
        self.now_ms = 0
        self._publisher: RtmpClient | None = None
        self.publish()

    def publish(self) -> None:
        """Begin anew, with a keyframe at this time."""
        assert self.now_ms % 2_000 == 0
        url = self._server.publish_url(self._name)
        self._publisher = self._stack.enter_context(RtmpClient.publishing(url))
        self._publisher.send(*CONFIGS)

    def until(self, now_ms: int) -> list[Frame]:
        """Send what comes before that time."""
        assert self._publisher is not None
        frames = [frame for frame in _FRAMES if self.now_ms <= frame.dts_ms < now_ms]
        self.now_ms = now_ms
        self._publisher.send(*frames)
        return frames

    def leave(self) -> None:
        """Stop publishing."""
        assert self._publisher is not None
        self._publisher.leave()


OPENER = "opener"  # the agent of a player that has asked when the block begins


@contextmanager
def on_show(server: RunningServer, name: str, until_ms: int = 4_500) -> Iterator[Show]:
    """Publish; there is a playlist with whole segments when the block begins."""
    with ExitStack() as stack:
        show = Show(server, name, stack)
        show.until(100)
        with HlsClient(server, name, agent=OPENER) as opener:
            opener.begin(f"/{name}.m3u8")
            server.wait_for_viewers(name, 1)
            show.until(until_ms)
            assert opener.answer().status == 200
        yield show
