"""Publishers that send what they should not, then what they should; each is ailing in one way.

ailing = [Ailing(server, kind) for kind in AILMENTS]
while any(one.is_ailing for one in ailing): ... one.send(tick) every TICK_S ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from slipstream.media import Frame
from tests.behaviour.pictures import CONFIGS, PICTURE_MS
from tests.hub.stage import inter, key, sound
from tests.rtmp_client import RtmpClient
from tests.server import RunningServer

TICK_S = PICTURE_MS / 1000
GOP_TICKS = 5
DRIFT_MS = 1_500
JUMP_MS = 20_000

Send = Callable[[int], list[Frame]]


def healthy(tick: int, *, filling: int = 4_000, ahead_ms: int = 0) -> list[Frame]:
    """A picture and a sound; 25 of them a second, and about 800 kbit/s."""
    time_ms = tick * PICTURE_MS + ahead_ms
    picture = inter if tick % GOP_TICKS else key
    return [picture(time_ms, bytes(filling)), sound(time_ms + 5)]


class Ailment(NamedTuple):
    """What is wrong, and the setting that says so."""

    setting: str
    threshold: float
    wrong: Send
    right: Send = healthy


def _without_picture(tick: int) -> list[Frame]:
    return healthy(tick)[0 if tick % 10 == 0 else 1 :]


def _without_keyframe(tick: int) -> list[Frame]:
    return healthy(tick)[1:] + ([inter(tick * PICTURE_MS)] if tick % GOP_TICKS else [])


def _drifting(tick: int) -> list[Frame]:
    return [healthy(tick, ahead_ms=DRIFT_MS)[0], healthy(tick)[1]]


def _jumping(tick: int) -> list[Frame]:
    return healthy(tick, ahead_ms=JUMP_MS * (tick // 5 % 2))


AILMENTS: Mapping[str, Ailment] = {
    "bitrate_low": Ailment("min_kbps", 200, lambda tick: healthy(tick, filling=0)),
    "bitrate_high": Ailment("max_kbps", 2_000, lambda tick: healthy(tick, filling=20_000)),
    "frame_rate_low": Ailment("min_frame_rate", 8, _without_picture),
    "keyframe_interval": Ailment("max_keyframe_s", 1, _without_keyframe),
    "silence": Ailment("max_silence_s", 1, lambda tick: []),
    "audio_missing": Ailment("max_audio_gap_s", 1, lambda tick: healthy(tick)[:1]),
    "av_drift": Ailment(
        "max_drift_ms", 1_000, _drifting, lambda tick: healthy(tick, ahead_ms=DRIFT_MS)
    ),
    "repairs": Ailment("max_repairs", 3, _jumping),
}


class Ailing:
    """Publishes `KIND/x`: well at first, wrong until its alert is raised, then well again.

    Attributes:
        stream: its name.
        is_healed: whether its alert has been raised, and it sends what is right.
    """

    def __init__(self, server: RunningServer, kind: str) -> None:
        self.stream = f"{kind.replace('_', '')}/x"
        self.is_healed = False
        self._ailment = AILMENTS[kind]
        self._client = RtmpClient.publishing(server.publish_url(self.stream))
        self._client.send(*CONFIGS, *healthy(0))

    def send(self, tick: int) -> None:
        """Send what is due."""
        self._client.send(*(self._ailment.right if self.is_healed else self._ailment.wrong)(tick))

    def leave(self) -> None:
        """End the publication."""
        self._client.leave()


def settings_of(kind: str) -> str:
    """Of the application that is watched for this alone."""
    ailment = AILMENTS[kind]
    return f"[apps.{kind.replace('_', '')}.alerts]\n{ailment.setting} = {ailment.threshold}\n"
