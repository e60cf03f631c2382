"""One publisher on one stream: waiting for its first picture, on air, or ended.

A publisher goes on air at its first keyframe (with sound alone: as soon as it is clear that
no picture comes), so that nobody is ever shown the rest of somebody's half GOP. Until then
its configurations are collected and nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slipstream.hub.peers import EndReason, PublisherPeer
from slipstream.media import Frame, Kind, announces_video

if TYPE_CHECKING:
    from slipstream.hub.stream import Stream

AUDIO_ONLY_AFTER_MS = 1_000  # of sound without a picture: no picture is to be expected
MAX_CONFIGS = 64  # (16 tracks of either kind, two each); more is somebody's experiment on us
MAX_CONFIG_BYTES = 64 << 10


class Publication:
    """What a session holds while it publishes: call `receive()` per read, `close()` once.

    Args:
        stream: what is published.
        peer: who publishes.
        credential: who has the right to take over: the same key, or the same address.
        now: seconds on the monotonic clock.
    """

    def __init__(self, stream: Stream, peer: PublisherPeer, credential: str, now: float) -> None:
        self.stream = stream
        self.peer = peer
        self.credential = credential
        self.since = now
        self.last_media_at = now
        self.audio_only = False
        self.on_air = False
        self.ended = False
        self.frames_received = 0
        self.bytes_received = 0
        self.frames_refused = 0  # media that could not be read; counted by whoever parses
        self.bitrate = 0.0  # bits per second over the last second or so
        self.frame_rate = 0.0  # pictures per second, likewise
        self._configs: list[Frame] = []
        self._first_audio_ms: int | None = None
        self._video_seen = False
        self._rate_mark = (now, 0, 0)
        self._pictures = 0

    def receive(self, frames: Sequence[Frame], now: float) -> None:
        """Take what was read at once.

        Raises:
            OSError: the machine is out of memory.
        """
        if self.ended:
            return
        self.last_media_at = now
        self.frames_received += len(frames)
        if not self.on_air:
            frames = self._warm_up(frames)
        if frames:
            self.stream.append(frames)

    def close(self, now: float) -> None:
        """The publisher has gone. Its viewers stay for the grace period."""
        if not self.ended:
            self.ended = True
            self.stream.publication_ended(self, now)

    def end(self, reason: EndReason, now: float) -> None:
        """Send the publisher away."""
        if not self.ended:
            self.close(now)
            self.peer.end(reason)

    def measure(self, now: float, pictures: int) -> None:
        """Update the rates, once a second or so."""
        then, old_bytes, old_pictures = self._rate_mark
        if now - then >= 0.9:
            self.bitrate = (self.bytes_received - old_bytes) * 8 / (now - then)
            self.frame_rate = (pictures - old_pictures) / (now - then)
            self._rate_mark = (now, self.bytes_received, pictures)

    def _warm_up(self, frames: Sequence[Frame]) -> Sequence[Frame]:
        """Collect configurations; return what goes on air, from the first picture on."""
        for index, frame in enumerate(frames):
            if frame.config:
                self._collect(frame)
            elif frame.kind == Kind.VIDEO:
                self._video_seen = True
                if frame.keyframe:
                    return self._go_on_air(frames[index:])
            elif frame.kind == Kind.AUDIO and self._is_audio_only(frame):
                self.audio_only = True
                return self._go_on_air(frames[index:])
        return ()

    def _collect(self, frame: Frame) -> None:
        if frame.kind == Kind.VIDEO:
            self._video_seen = True
        size = sum(len(config.body) for config in self._configs) + len(frame.body)
        if len(self._configs) < MAX_CONFIGS and size <= MAX_CONFIG_BYTES:
            self._configs.append(frame)

    def _is_audio_only(self, frame: Frame) -> bool:
        if self._video_seen:
            return False
        if self._first_audio_ms is None:
            self._first_audio_ms = frame.dts_ms
        metadata = next((c for c in self._configs if c.kind == Kind.DATA), None)
        if metadata is not None and announces_video(metadata) is False:
            return True
        return frame.dts_ms - self._first_audio_ms >= AUDIO_ONLY_AFTER_MS

    def _go_on_air(self, frames: Sequence[Frame]) -> Sequence[Frame]:
        self.on_air = True
        self.stream.put_on_air(self)
        configs = [config._replace(dts_ms=frames[0].dts_ms) for config in self._configs]
        self._configs.clear()
        return [*configs, *frames]
