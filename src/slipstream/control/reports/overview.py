"""The server as a whole, whichever of its workers is asked.

Every worker answers about itself; `Overview` asks them all and merges what they say. Streams
and viewers are asked for some at a time: none of these questions takes a worker more than two
milliseconds, then media have their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

import structlog

from slipstream.control.alerts.alarm import Alarm
from slipstream.control.metrics.app_figures import AppsShare
from slipstream.control.metrics.counters import Counters
from slipstream.control.metrics.detail import by_name
from slipstream.control.metrics.metrics import Details
from slipstream.control.metrics.stream_figures import StreamFigures
from slipstream.control.metrics.vitals import Vitals
from slipstream.control.parts import Parts
from slipstream.control.reports.merge import Answer, merge_shares, merge_streams, merge_viewers
from slipstream.control.reports.questions import Questions
from slipstream.control.reports.server_report import ServerReport, ServerShare
from slipstream.control.reports.stream_report import (
    PublisherReport,
    StreamShare,
    StreamsReport,
    SwitchReport,
    ViewerReport,
    WatchedStreamReport,
)

log = structlog.get_logger()

STREAMS_PER_QUESTION = 10
VIEWERS_PER_QUESTION = 40


class Overview:
    """Answers for this worker and asks for all.

    Args:
        parts: of this worker.
        counters: its counts.
        vitals: how it feels.
        alarm: what is wrong with its publishers.
    """

    def __init__(self, parts: Parts, counters: Counters, vitals: Vitals, alarm: Alarm) -> None:
        self._parts = parts
        self._counters = counters
        self._vitals = vitals
        self._alarm = alarm
        self._questions = questions = Questions(parts.peers)
        questions.answer_with("ready", self._ready_here)
        questions.answer_with("server", self._server_here)
        questions.answer_with("names", self._names_here)
        questions.answer_with("streams", self._streams_here)
        questions.answer_with("viewers", self._viewers_here)
        questions.answer_with("apps", self._apps_here)
        questions.answer_with("figures", self._figures_here)
        questions.answer_with("switch", self._switch_here)

    async def ready(self) -> bool:
        """Whether new connections are welcome."""
        return self._parts.ready or any(await self._questions.ask("ready"))

    async def server(self) -> ServerReport:
        """The server."""
        share = merge_shares(await self._questions.ask("server"))
        present = {worker["slot"] for worker in share["workers"]}
        return ServerReport.of(share, self._counters.of_absent(present), self._parts.workers)

    async def streams(
        self, *, app: str = "", states: Collection[str] = (), after: str = "", limit: int = 0
    ) -> StreamsReport:
        """Streams, by name.

        Args:
            app: only those of this application.
            states: only those in one of these; none: in any.
            after: only those whose names come after this one.
            limit: so many of them at most; 0: all.
        """
        known = set().union(*await self._questions.ask("names"))
        names = sorted(name for name in known if name > after and _is_of(name, app))
        reports: list[dict[str, Any]] = []
        answered = self._parts.workers
        for first in range(0, len(names), STREAMS_PER_QUESTION):
            if limit and len(reports) > limit:
                break
            some = names[first : first + STREAMS_PER_QUESTION]
            answers = await self._questions.ask("streams", names=some)
            answered = min(answered, len(answers))
            merged = merge_streams(answers)
            reports += [one for one in merged if not states or one["state"] in states]
            await asyncio.sleep(0)  # who is alone answers itself at once
        shown = reports[:limit] if limit else reports
        more = shown[-1]["name"] if len(shown) < len(reports) else None
        return StreamsReport(shown, more, answered, self._parts.workers)

    async def stream(self, name: str, viewers: int) -> WatchedStreamReport | None:
        """One stream with so many of its viewers; None if there is no such stream."""
        answers = await self._questions.ask("streams", names=[name])
        reports = merge_streams(answers)
        if not reports:
            return None
        shown = await self._viewers(name, viewers)
        return WatchedStreamReport(reports[0], shown, len(answers), self._parts.workers)

    async def details(self, most: int) -> Details:
        """What the metrics tell of applications, and of so many streams."""
        shares = await self._questions.ask("apps", most=most)
        apps = [
            (app, {**figures, "slot": share["slot"]})
            for share in shares
            for app, figures in share["apps"].items()
        ]
        published = sorted(row for share in shares for row in share["published"])
        names = list(dict.fromkeys(name for _, name in published))[:most]
        rows: list[tuple[str, Answer]] = []
        for first in range(0, len(names), STREAMS_PER_QUESTION):
            some = names[first : first + STREAMS_PER_QUESTION]
            for answer in await self._questions.ask("figures", names=some):
                rows += [(row["name"], row) for row in answer]
            await asyncio.sleep(0)
        return Details(by_name(apps), by_name(rows))

    async def switch(self, name: str, publisher: str | None) -> Answer | None:
        """Put a standby on air; None if nobody publishes the stream.

        Args:
            name: of the stream.
            publisher: the standby's id; None: the first one that is ready.
        """
        answer: Answer | None = await self._questions.ask_home(
            name, "switch", name=name, publisher=publisher
        )
        return answer

    async def _viewers(self, name: str, limit: int) -> list[Answer]:
        """The first pages of each worker: no more can be needed than if one had them all."""
        pages: list[list[Answer]] = []
        for first in range(0, limit, VIEWERS_PER_QUESTION):
            count = min(VIEWERS_PER_QUESTION, limit - first)
            answers = await self._questions.ask("viewers", name=name, first=first, count=count)
            pages += answers
            if all(len(answer) < count for answer in answers):
                break
            await asyncio.sleep(0)
        return merge_viewers(pages, limit)

    def _ready_here(self) -> bool:
        return self._parts.ready

    async def _server_here(self) -> object:
        return await ServerShare.of(self._parts, self._vitals, self._counters, self._alarm)

    def _names_here(self) -> object:
        return list(self._parts.hub.streams)

    def _streams_here(self, names: Sequence[str]) -> object:
        streams = self._parts.hub.streams
        there = [streams[name] for name in names if name in streams]
        worker, now, alerts = self._parts.worker, _now(), self._alarm.alerts
        return [StreamShare.of(stream, worker, now, alerts(stream.name)) for stream in there]

    def _viewers_here(self, name: str, first: int, count: int) -> object:
        stream = self._parts.hub.streams.get(name)
        viewers = stream.subscriptions if stream is not None else ()
        some = islice(viewers, first, first + count)
        worker, now = self._parts.worker, _now()
        return [ViewerReport.of(viewer, worker, now) for viewer in some]

    async def _apps_here(self, most: int) -> object:
        return await AppsShare.of(self._parts.hub, self._parts.slot, most)

    async def _figures_here(self, names: Sequence[str]) -> object:
        streams, slot, now = self._parts.hub.streams, self._parts.slot, _now()
        there = [streams[name] for name in names if name in streams]
        return [
            await StreamFigures.of(stream, slot, now, self._alarm.alerts(stream.name))
            for stream in there
        ]

    def _switch_here(self, name: str, publisher: str | None) -> object:
        stream = self._parts.hub.streams.get(name)
        if stream is None or not stream.publications():
            return None
        now = _now()
        standby = stream.switch(publisher, now)
        if standby is None:
            return SwitchReport(None)
        log.info("publish.switch", stream=name, id=standby.peer.connection_id)
        return SwitchReport(PublisherReport.of(standby, now))


def _is_of(name: str, app: str) -> bool:
    return not app or name.startswith(f"{app}/")


def _now() -> float:
    """Seconds on the clock of the hub's times."""
    return asyncio.get_running_loop().time()
