"""Viewers of HLS: each asks for its playlist every two seconds, and for every new segment in it.

They do not wait for each other: the moment at which a playlist is due stands in a plan, and an
answer's delay counts from there, so that a server that stands still is late for all that was due
meanwhile. Segments are thrown away unread.
"""

from __future__ import annotations

import re
import select
import time
from typing import NamedTuple

from .client import Target
from .http_answers import KeptConnection
from .worker import Commands

PERIOD_S = 2.0  # between two playlists of one viewer: the duration of a segment
_segments = re.compile(rb"^([^#\s]\S*)", re.MULTILINE).findall


class Fetched(NamedTuple):
    """What has come since the last question."""

    playlists: int
    segments: int
    bytes: int  # of bodies
    missed: int  # segments that had left the playlist before they were asked for
    playlist_delays_ms: list[float]  # since each was due
    segment_delays_ms: list[float]  # since each was asked for


class _Viewer:
    """One of them, and what it waits for."""

    def __init__(self, target: Target, number: int, path: str) -> None:
        # An agent of its own: who has no connection of its own is known by that.
        self.connection = KeptConnection(target, f"bench/{number}")
        self.playlist = self.connection.request(path)
        self.folder = path.rpartition("/")[0]
        self.due_s = 0.0  # when it asks for the playlist next
        self.owed_s: float | None = None  # when it should have asked, but still waited
        self.asked_s = 0.0
        self.is_busy = False
        self.has_playlist = False
        self.to_fetch: list[bytes] = []
        self.last = b""  # the newest segment that it has

    def is_due(self) -> None:
        """The moment has come; it asks for its playlist as soon as it waits for nothing else."""
        if self.is_busy:
            self.owed_s = self.due_s
        else:
            self._ask_for_playlist(self.due_s)
        self.due_s += PERIOD_S

    def go_on(self) -> None:
        """It has an answer: ask for the next segment, if there is one."""
        if self.to_fetch:
            self.last = self.to_fetch.pop(0)
            self.asked_s = time.monotonic()
            path = f"{self.folder}/{self.last.decode()}"
            self.connection.ask(self.connection.request(path))
        elif self.owed_s is not None:
            self._ask_for_playlist(self.owed_s)
        else:
            self.is_busy = False

    def _ask_for_playlist(self, due_s: float) -> None:
        self.is_busy, self.has_playlist = True, False
        self.asked_s, self.owed_s = due_s, None
        self.connection.ask(self.playlist, wanted=True)

    def read_playlist(self) -> bool:
        """See what is new. False: something is missing."""
        self.has_playlist = True
        listed = _segments(self.connection.body)
        if self.last in listed:
            self.to_fetch = listed[listed.index(self.last) + 1 :]
            return True
        self.to_fetch = listed[-1:]
        return not self.last


class Fetching:
    """Commands: `join`, then `fetched` whenever wanted."""

    def __init__(self, commands: Commands, target: Target) -> None:
        self._commands = commands
        self._target = target
        self._epoll = select.epoll()
        self._epoll.register(commands, select.EPOLLIN)
        self._viewers: dict[int, _Viewer] = {}
        self._plan: list[_Viewer] = []  # in the order in which they are due
        self._next = 0  # in the plan
        self._counted_bytes = 0
        self._forget()

    def join(self, path: str, count: int) -> None:
        """Let `count` viewers watch what the playlist at `path` tells of."""
        for number in range(count):
            viewer = _Viewer(self._target, number, path)
            self._viewers[viewer.connection.socket.fileno()] = viewer
            self._plan.append(viewer)
            self._epoll.register(viewer.connection.socket, select.EPOLLIN)
        begin_s = time.monotonic()
        for index, viewer in enumerate(self._plan):
            viewer.due_s = begin_s + PERIOD_S * index / len(self._plan)

    def fetched(self) -> Fetched:
        """What has come since the last question."""
        now_s = time.monotonic()
        # Who still waits is as late as that, too.
        overdue = [1000 * (now_s - viewer.asked_s) for viewer in self._plan if viewer.is_busy]
        late = [delay for delay in overdue if delay > 1000 * PERIOD_S]
        total = sum(viewer.connection.total_bytes for viewer in self._plan)
        fetched = Fetched(
            len(self._playlist_delays_ms),
            len(self._segment_delays_ms),
            total - self._counted_bytes,
            self._missed,
            self._playlist_delays_ms + late,
            self._segment_delays_ms,
        )
        self._counted_bytes = total
        self._forget()
        return fetched

    def run(self) -> None:
        while True:
            for descriptor, _ in self._epoll.poll(self._wait_s()):
                viewer = self._viewers.get(descriptor)
                if viewer is None:
                    self._commands.answer(self)
                elif viewer.connection.receive():
                    self._has_answer(viewer)
            self._ask_who_is_due()

    def _wait_s(self) -> float | None:
        if not self._plan:
            return None
        return max(self._plan[self._next].due_s - time.monotonic(), 0)

    def _ask_who_is_due(self) -> None:
        now_s = time.monotonic()
        while self._plan and self._plan[self._next].due_s <= now_s:
            self._plan[self._next].is_due()
            self._next = (self._next + 1) % len(self._plan)

    def _has_answer(self, viewer: _Viewer) -> None:
        delay_ms = 1000 * (time.monotonic() - viewer.asked_s)
        if viewer.has_playlist:
            self._segment_delays_ms.append(delay_ms)
        else:
            self._playlist_delays_ms.append(delay_ms)
            self._missed += not viewer.read_playlist()
        viewer.go_on()

    def _forget(self) -> None:
        self._missed = 0
        self._playlist_delays_ms: list[float] = []
        self._segment_delays_ms: list[float] = []
