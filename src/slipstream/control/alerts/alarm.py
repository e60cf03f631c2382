"""Looks at every publisher on air once a second and tells when what it sends is not right.

Told are the listeners of `hub.notices`, the log, and whoever asks. Nothing is counted for this
while media flow: what is looked at are counts that the hub keeps anyhow. The streams take turns,
so that two thousand of them do not hold up anybody at once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from math import inf
from time import perf_counter

import structlog

from slipstream.control.alerts.alert import Alert, AlertKind, Change, Judge, Reading
from slipstream.control.alerts.settings import AlertSettings
from slipstream.hub import Hub, Notice, NoticeKind, Publication, Stream

log = structlog.get_logger()

TURN_S = 0.1
TURNS = 10  # after which every stream has been looked at
MAX_TURN_S = 0.002  # when all publishers fall silent at once, there are many lines to write

AlertSettingsOf = Callable[[str], AlertSettings]


class Alarm:
    """Call `start()` and `stop()`, once each; or `look()` with a clock of your own.

    Attributes:
        raised: how many alerts there have been, by kind.

    Args:
        hub: whose streams are looked at.
        settings_of: what is right, by the stream's name.
    """

    def __init__(self, hub: Hub, settings_of: AlertSettingsOf) -> None:
        self.raised: Counter[AlertKind] = Counter()
        self._hub = hub
        self._settings_of = settings_of
        self._judges: dict[str, tuple[Judge, Publication]] = {}
        self._turn: list[Stream] = []  # those whose turn is yet to come
        self._per_turn = 1
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look."""
        self._plan(asyncio.get_running_loop())

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def alerts(self, stream: str) -> Iterator[Alert]:
        """Those of a stream that are raised."""
        judge = self._judges.get(stream)
        return iter(()) if judge is None else judge[0].raised()

    def now_raised(self) -> Counter[AlertKind]:
        """How many streams have each."""
        return Counter(alert.kind for judge, _ in self._judges.values() for alert in judge.raised())

    def look(self, now: float) -> None:
        """Look at every stream."""
        self._forget(now)
        self._judge(list(self._hub.streams.values()), now)

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(TURN_S, self._take_turn, loop)

    def _take_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._plan(loop)
        if not self._turn:
            self._forget(loop.time())
            self._turn = list(self._hub.streams.values())
            self._per_turn = -(-len(self._turn) // TURNS)
        some = self._turn[-self._per_turn :]
        judged = self._judge(some, loop.time(), perf_counter() + MAX_TURN_S)
        del self._turn[len(self._turn) - judged :]

    def _judge(self, streams: list[Stream], now: float, until: float = inf) -> int:
        """Look at streams, the last one first; return at how many, when the time is up."""
        settings: dict[str, AlertSettings] = {}  # of each application
        for count, stream in enumerate(reversed(streams)):
            if perf_counter() >= until:
                return count
            publication = stream.on_air
            if publication is None or not stream.lineup.encoder_on_air:
                continue
            app = stream.name.partition("/")[0]
            if app not in settings:
                settings[app] = self._settings_of(stream.name)
            known = self._judges.get(stream.name)
            judge = Judge() if known is None else known[0]
            self._judges[stream.name] = judge, publication
            for change in judge.look(read(stream, publication, now), settings[app], now):
                self._tell(stream.name, publication, change)
        return len(streams)

    def _forget(self, now: float) -> None:
        """Whoever is not on air any more is all right."""
        for name, (judge, publication) in list(self._judges.items()):
            stream = self._hub.streams.get(name)
            if stream is None or not stream.lineup.encoder_on_air:
                for change in judge.end(now):
                    self._tell(name, publication, change)
                del self._judges[name]

    def _tell(self, stream: str, publication: Publication, change: Change) -> None:
        peer = publication.peer
        told: dict[str, object] = {
            "alert": str(change.kind),
            "value": round(change.value, 2),
            "threshold": change.threshold,
        }
        if change.raised:
            self.raised[change.kind] += 1
            log.warning("alert.raised", id=peer.connection_id, stream=stream, **told)
        else:
            told["for_s"] = round(change.for_s, 1)
            log.info("alert.cleared", id=peer.connection_id, stream=stream, **told)
        self._hub.notices.tell(
            Notice(
                NoticeKind.ALERT,
                stream=stream,
                id=peer.connection_id,
                address=peer.address,
                protocol=peer.protocol,
                detail={**told, "state": "raised" if change.raised else "cleared"},
            )
        )


def read(stream: Stream, publication: Publication, now: float) -> Reading:
    """What the hub knows of who is on air."""
    timeline, notes = stream.timeline, stream.notes
    pictures = timeline.newest_video_ms is not None  # or were there: they are not to stop
    heard_at = publication.last_media_at
    for other in stream.lineup.waiting:
        if other.in_step:
            heard_at = max(heard_at, other.last_media_at)
    since_ms = notes.since_keyframe_ms(timeline.newest_ms)
    return Reading(
        publisher=publication.peer.connection_id,
        kbps=publication.bitrate / 1000,
        frame_rate=publication.frame_rate if pictures else None,
        keyframe_s=max(notes.gop_ms, since_ms) / 1000 if pictures else None,
        silent_s=now - heard_at,
        video_ms=timeline.newest_video_ms,
        audio_ms=timeline.newest_audio_ms,
        repairs=timeline.repairs.made,
    )
