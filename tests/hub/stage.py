"""People and frames for tests of the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from slipstream.formats import Format, Greeting, RtmpFormat
from slipstream.formats.segments import USUAL_SHAPE, Shape
from slipstream.hub import (
    EndReason,
    Had,
    Hub,
    Publication,
    PublisherState,
    Rank,
    Stream,
    StreamSettings,
    Subscription,
)
from slipstream.log import Log, SyncPoint
from slipstream.media import Frame, parse_tag

_ids = count(1)
AVC_CONFIG = bytes.fromhex(
    "1700000000014d400affe10017674d400aeca142342000000300200000030281e244b2c001000468ce0fc8"
)
AAC_CONFIG = bytes.fromhex("af001210")


def video_config(time_ms: int = 0, extra: bytes = b"") -> Frame:
    return parse_tag(9, time_ms, AVC_CONFIG + extra)


def audio_config(time_ms: int = 0) -> Frame:
    return parse_tag(8, time_ms, AAC_CONFIG)


def key(time_ms: int, mark: bytes = b"") -> Frame:
    return parse_tag(9, time_ms, b"\x17\x01\0\0\0\0\0\0\x05\x65" + mark)


def inter(time_ms: int, mark: bytes = b"") -> Frame:
    return parse_tag(9, time_ms, b"\x27\x01\0\0\0\0\0\0\x05\x41" + mark)


def sound(time_ms: int, mark: bytes = b"") -> Frame:
    return parse_tag(8, time_ms, b"\xaf\x01\x21\x10" + mark)


@dataclass
class Publisher:
    """A publisher's connection, as the hub sees it."""

    address: str = "192.0.2.1"
    protocol: str = "rtmp"
    encrypted: bool = False
    connection_id: str = field(default_factory=lambda: f"p{next(_ids)}")
    ended: EndReason | None = None
    places: list[PublisherState] = field(default_factory=list)

    def placed(self, state: PublisherState) -> None:
        self.places.append(state)

    def end(self, reason: EndReason) -> None:
        self.ended = reason


@dataclass(eq=False)
class Watcher:
    """A viewer's connection, as the hub sees it."""

    address: str = "192.0.2.2"
    protocol: str = "rtmp"
    encrypted: bool = False
    connection_id: str = field(default_factory=lambda: f"v{next(_ids)}")
    form: Format | None = None
    sync: SyncPoint | None = None
    ended: EndReason | None = None
    has_rest: bool = True

    def start(self, form: Format, sync: SyncPoint, settings: StreamSettings) -> None:
        assert self.sync is None, "started twice"
        self.form, self.sync = form, sync

    def end(self, reason: EndReason) -> None:
        self.ended = reason

    def has_all(self) -> bool:
        return self.has_rest

    def had(self) -> Had:
        return Had()

    def figures(self) -> None:
        return None

    @property
    def log(self) -> Log:
        assert self.form is not None
        return self.form.log


class Recording(RtmpFormat):
    """A format that remembers the frames that it was given."""

    def __init__(self, log: Log, shape: Shape = USUAL_SHAPE) -> None:
        super().__init__(log, shape)
        self.frames: list[Frame] = []

    def append(self, frames: Sequence[Frame], syncs: Sequence[tuple[int, Greeting]]) -> None:
        self.frames += frames
        super().append(frames, syncs)


class HubStage:
    """A hub with a clock that stands still until it is told."""

    def __init__(self, **settings: object) -> None:
        self.now = 1000.0
        self.woken: list[Log] = []
        self.settings = StreamSettings.model_validate(settings)
        self.hub = Hub(lambda name: self.settings, lambda log, picture: self.woken.append(log))

    @property
    def stream(self) -> Stream:
        return self.hub.streams["live/a"]

    def publish(
        self,
        peer: Publisher | None = None,
        *,
        credential: str = "k",
        name: str = "live/a",
        rank: Rank = Rank.ENCODER,
        max_viewers: int = 0,
    ) -> Publication:
        return self.hub.publish(
            name,
            peer or Publisher(),
            credential=credential,
            now=self.now,
            rank=rank,
            max_viewers=max_viewers,
        )

    def watch(
        self, peer: Watcher, form: type[Format] = RtmpFormat, name: str = "live/a"
    ) -> Subscription:
        return self.hub.subscribe(name, form, peer, now=self.now)

    def record(self) -> list[Frame]:
        """All that is put out from now on."""
        watcher = Watcher()
        subscription = self.watch(watcher, Recording)
        assert isinstance(subscription.form, Recording)
        return subscription.form.frames

    def send(self, publication: Publication, *frames: Frame) -> None:
        publication.receive(list(frames), self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass, a tick a second."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + 1, end)
            self.hub.tick(self.now)
