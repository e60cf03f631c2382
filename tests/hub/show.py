"""A stream with several encoders, played in steps of a picture."""

from __future__ import annotations

from slipstream.hub import Publication, PublisherState
from slipstream.media import Frame, Kind
from tests.hub.stage import HubStage, Publisher, audio_config, inter, key, sound, video_config

PICTURE_S = 0.04


class Encoder:
    """Sends a picture every 40 ms and a keyframe every second, while it is on."""

    def __init__(self, stage: HubStage, mark: bytes, *, phase: int = 0, base_ms: int = 0) -> None:
        self.stage = stage
        self.mark = mark
        self.peer = Publisher()
        self.publication: Publication = stage.publish(self.peer)
        self.on = True
        self.pictures = 0
        self._phase = phase  # pictures until the first keyframe
        self._base_ms = base_ms
        stage.send(self.publication, video_config(base_ms, mark), audio_config(base_ms))

    @property
    def state(self) -> PublisherState:
        return self.publication.state

    def send(self) -> None:
        time_ms = self._base_ms + self.pictures * 40
        make = inter if (self.pictures - self._phase) % 25 else key
        self.stage.send(self.publication, make(time_ms, self.mark), sound(time_ms, self.mark))
        self.pictures += 1


class Show:
    """A stream that is watched, and its encoders, played in steps of a picture."""

    def __init__(self, policy: str = "standby", **settings: object) -> None:
        self.stage = HubStage(on_second_publisher=policy, **settings)
        self.came = self.stage.record()
        self.encoders: list[Encoder] = []

    def encoder(self, mark: bytes, *, phase: int = 0, base_ms: int = 0) -> Encoder:
        encoder = Encoder(self.stage, mark, phase=phase, base_ms=base_ms)
        self.encoders.append(encoder)
        return encoder

    def play(self, seconds: float) -> None:
        """Let all encoders that are on send, and the hub have its tick each second."""
        for _ in range(round(seconds / PICTURE_S)):
            before = self.stage.now
            self.stage.now += PICTURE_S
            for encoder in self.encoders:
                if encoder.on and not encoder.publication.ended:
                    encoder.send()
            if int(before) != int(self.stage.now):
                self.stage.hub.tick(self.stage.now)

    def pictures(self) -> list[Frame]:
        return [frame for frame in self.came if frame.kind is Kind.VIDEO and not frame.config]

    def on_screen(self) -> bytes:
        """Whose the newest picture is."""
        return self.pictures()[-1].body[-1:]
