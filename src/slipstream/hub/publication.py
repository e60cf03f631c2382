"""One publisher on one stream: on air, waiting for its turn or its first picture, or ended.

A publisher goes on air at a keyframe (with sound alone: as soon as it is clear that no
picture comes), so that nobody is ever shown the rest of somebody's half GOP. Until then its
configurations are collected and nothing else is kept. One that stands by is the same, for
longer: it asks the stream at each of its keyframes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slipstream.formats import Greeting
from slipstream.hub.link import Link
from slipstream.hub.peers import EndReason, PublisherPeer, PublisherState, Rank
from slipstream.media import ConfigRole, Frame, Kind, announces_video, config_role

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
        rank: whose place it may take.
        link: its part in what several connections of one encoder bring; None: it is alone.
        now: seconds on the monotonic clock.
        max_viewers: that the stream may have while this is on air; 0: any number.
    """

    def __init__(
        self,
        stream: Stream,
        peer: PublisherPeer,
        credential: str,
        rank: Rank,
        link: Link | None,
        now: float,
        max_viewers: int = 0,
    ) -> None:
        self.stream = stream
        self.peer = peer
        self.credential = credential
        self.rank = rank
        self.link = link
        self.max_viewers = max_viewers
        self.since = now
        self.last_media_at = now
        self.audio_only = False
        self.on_air = False
        self.stepped = False  # the stream knows that it is in step
        self.has_start = False  # it has sent something that it could go on air with
        self.stood_by = False  # there was another one on air
        self.ended = False
        self.frames_received = 0
        self.bytes_received = 0
        self.frames_refused = 0  # media that could not be read; counted by whoever parses
        self.pictures = 0  # while not on air
        self.bitrate = 0.0  # bits per second over the last second or so
        self.frame_rate = 0.0  # pictures per second, likewise
        self._configs: dict[ConfigRole, Frame] = {}
        self._first_audio_ms: int | None = None
        self._video_seen = False
        self._rate_mark = (now, 0, 0)

    @property
    def in_step(self) -> bool:
        """Whether it sends what is on air, over one of several links."""
        return self.link is not None and self.link.in_step

    @property
    def state(self) -> PublisherState:
        """What it is to the stream."""
        return self.stream.lineup.state_of(self)

    @property
    def configs(self) -> Greeting:
        """The metadata and configurations that it has sent last."""
        is_shown = self.on_air or self.in_step
        return self.stream.greeting if is_shown else tuple(self._configs.values())

    def receive(self, frames: Sequence[Frame], now: float) -> None:
        """Take what was read at once.

        Raises:
            OSError: the machine is out of memory.
        """
        if self.ended:
            return
        self.frames_received += len(frames)
        if self.link is not None:
            frames = self._merge(self.link, frames, now)
        elif not self.on_air:
            frames = self._warm_up(frames, now)
        self.last_media_at = now  # only now: whose turn it is depends on the read before
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

    def stand_by(self, configs: Greeting) -> None:
        """Somebody else is on air now; `configs` are those with which this one was."""
        self.on_air = self.stepped = False
        self.stood_by = True
        self._configs = {config_role(config): config for config in configs}
        self._rate_mark = (self.last_media_at, self.bytes_received, self.pictures)
        self.peer.placed(PublisherState.STANDBY)

    def measure(self, now: float, pictures: int) -> None:
        """Update the rates, once a second or so.

        Args:
            now: seconds on the monotonic clock.
            pictures: that the stream has had.
        """
        if not (self.on_air or self.in_step):
            pictures = self.pictures
        then, old_bytes, old_pictures = self._rate_mark
        if now - then >= 0.9:
            self.bitrate = (self.bytes_received - old_bytes) * 8 / (now - then)
            self.frame_rate = max(pictures - old_pictures, 0) / (now - then)
            self._rate_mark = (now, self.bytes_received, pictures)

    # Inside

    def _merge(self, link: Link, frames: Sequence[Frame], now: float) -> Sequence[Frame]:
        """Leave out what another link has brought before."""
        merge = self.stream.merge
        assert merge is not None
        was_in_step = link.in_step
        fresh = merge.receive(link, frames, now)
        if link.in_step != self.stepped:
            self.stepped = link.in_step
            self.stream.step_changed(self)
        if link.in_step or was_in_step:
            return fresh
        started = self._warm_up(frames, now)
        return merge.receive(link, started, now) if started else ()

    def _warm_up(self, frames: Sequence[Frame], now: float) -> Sequence[Frame]:
        """Collect configurations; return what goes on air, if it does, from a picture on."""
        for index, frame in enumerate(frames):
            if frame.config:
                self._collect(frame)
            elif frame.kind == Kind.VIDEO:
                self._video_seen = True
                if frame.track == 0:
                    self.pictures += 1
                may_lead = frame.track == 0 or not self.pictures
                if frame.keyframe and may_lead and self._may_start(now):
                    return self._go_on_air(frames[index:], now)
            elif frame.kind == Kind.AUDIO and self._is_audio_only(frame) and self._may_start(now):
                self.audio_only = True
                return self._go_on_air(frames[index:], now)
        return ()

    def _may_start(self, now: float) -> bool:
        self.has_start = True
        return self.stream.may_start(self, now)

    def _collect(self, frame: Frame) -> None:
        if frame.kind == Kind.VIDEO:
            self._video_seen = True
        role = config_role(frame)
        others = [config for other, config in self._configs.items() if other != role]
        size = sum(len(config.body) for config in others) + len(frame.body)
        if len(others) < MAX_CONFIGS and size <= MAX_CONFIG_BYTES:
            self._configs[role] = frame

    def _is_audio_only(self, frame: Frame) -> bool:
        if self._video_seen:
            return False
        if self._first_audio_ms is None:
            self._first_audio_ms = frame.dts_ms
        metadata = next((c for c in self._configs.values() if c.kind == Kind.DATA), None)
        if metadata is not None and announces_video(metadata) is False:
            return True
        return frame.dts_ms - self._first_audio_ms >= AUDIO_ONLY_AFTER_MS

    def _go_on_air(self, frames: Sequence[Frame], now: float) -> Sequence[Frame]:
        self.stream.put_on_air(self, now)
        self._rate_mark = (now, self.bytes_received, self.stream.notes.pictures)
        configs = [config._replace(dts_ms=frames[0].dts_ms) for config in self._configs.values()]
        self._configs.clear()
        return [*configs, *frames]
