"""Asks now and then whether those who publish or play may go on, as nginx-rtmp's `on_update`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from slipstream.hooks.asking import Asking
from slipstream.hooks.settings import HookSettings
from slipstream.hub import Notice, NoticeKind

log = structlog.get_logger()

BEGINNINGS = (NoticeKind.PUBLISH, NoticeKind.PLAY)
ENDS = {NoticeKind.PUBLISH_DONE: NoticeKind.PUBLISH, NoticeKind.PLAY_DONE: NoticeKind.PLAY}
MAX_WATCHED = 65_536  # about 1 KB each; more than a worker serves

Visit = tuple[NoticeKind, str, str]


class Updates:
    """Tell it every notice with `hear()`; `stop()` in the end.

    Args:
        asking: knows how to ask.
        settings_of: by the stream's name.
        send_away: ends what a connection does with a stream.
    """

    def __init__(
        self,
        asking: Asking,
        settings_of: Callable[[str], HookSettings],
        send_away: Callable[[Notice], None],
    ) -> None:
        self._asking = asking
        self._settings_of = settings_of
        self._send_away = send_away
        self._watched: dict[Visit, asyncio.Task[None]] = {}

    def hear(self, notice: Notice) -> None:
        """Somebody may have begun, or ended, to publish or play."""
        if notice.kind in ENDS:
            task = self._watched.pop((ENDS[notice.kind], notice.stream, notice.id), None)
            if task is not None:
                task.cancel()
        elif notice.kind in BEGINNINGS and self._settings_of(notice.stream).asked_about("update"):
            visit = (notice.kind, notice.stream, notice.id)
            if visit not in self._watched and len(self._watched) < MAX_WATCHED:
                watch = asyncio.get_running_loop().create_task(self._watch(notice))
                self._watched[visit] = watch

    async def stop(self) -> None:
        """Ask nobody any more."""
        tasks = list(self._watched.values())
        self._watched.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, notice: Notice) -> None:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        while True:
            await asyncio.sleep(self._settings_of(notice.stream).update_s)
            settings = self._settings_of(notice.stream)
            url = settings.asked_about("update")
            if not url:
                continue
            detail = {**notice.detail, "seconds": round(loop.time() - began_at)}
            asked = replace(notice, detail=detail)
            answer = await self._asking.answer("update", asked, url, settings)
            if answer.allows is False:  # without an answer, what runs goes on
                log.warning("hooks.sent_away", id=notice.id, stream=notice.stream)
                self._send_away(notice)
                return
