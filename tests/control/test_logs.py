"""The log: one line per event, safe to read and to store, whoever speaks."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
import structlog

from slipstream.control.configuration.settings import LogSettings
from slipstream.control.logs.logs import Logs
from slipstream.errors import ChunkError

KEY = "0123456789abcdef0123456789abcdef"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Written:
    """A log in use, and what it wrote."""

    def __init__(self, logs: Logs, stream: io.StringIO, clock: Clock) -> None:
        self.logs = logs
        self.stream = stream
        self.clock = clock

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines]


@contextmanager
def writing(
    form: Literal["text", "json"] = "json",
    level: Literal["debug", "info", "warning", "error"] = "info",
    worker: int | None = None,
    share: int = 1,
) -> Iterator[Written]:
    stream, clock = io.StringIO(), Clock()
    settings = LogSettings(format=form, level=level)
    logs = Logs(settings, secrets=[KEY], worker=worker, share=share, stream=stream, clock=clock)
    logs.start()
    try:
        yield Written(logs, stream, clock)
    finally:
        logs.stop()


log = structlog.get_logger()


def test_a_line_of_text_has_time_level_event_and_fields() -> None:
    with writing("text") as written:
        log.info("publish.start", stream="live/a", client='OBS "30"', frames=3, ended=None)
    (line,) = written.lines
    time, rest = line.split(" ", 1)
    assert time.endswith("Z")
    assert rest == ('info    publish.start stream=live/a client="OBS \\"30\\"" frames=3 ended=None')


def test_a_line_of_json_is_one_object() -> None:
    with writing() as written:
        log.warning("publish.refused", stream="live/a", tries=3)
    (event,) = written.events
    assert list(event) == ["time", "level", "event", "stream", "tries"]
    assert (event["level"], event["event"], event["tries"]) == (
        "warning",
        "publish.refused",
        3,
    )


def test_less_important_lines_are_left_out() -> None:
    with writing(level="warning") as written:
        log.info("a")
        log.debug("b")
        log.error("c")
    assert [event["event"] for event in written.events] == ["c"]
    assert written.logs.lines == {"error": 1}


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_strangers_send_is_one_line_without_secrets(form: Literal["text", "json"]) -> None:
    with writing(form) as written:
        log.info("play", query=f"a?key={KEY}\n2026 error faked", stream=f"live/{KEY}", key="x")
    (line,) = written.lines
    assert KEY not in line
    assert "faked" in line


def test_a_flood_of_one_kind_is_cut_and_told() -> None:
    with writing() as written:
        for _ in range(100):
            log.info("flood")
        log.info("other")
        written.clock.now = 1.5
        written.logs.tick()
    events = written.events
    assert [event["event"] for event in events] == ["flood"] * 20 + ["other", "log.left_out"]
    assert (events[-1]["kind"], events[-1]["lines"]) == ("flood", 80)
    assert written.logs.limit.left_out == 80


@pytest.mark.parametrize(("share", "lines"), [(2, 10), (3, 6), (20, 1), (256, 1)])
def test_several_workers_share_the_limit(share: int, lines: int) -> None:
    with writing(share=share) as written:
        for _ in range(30):
            log.info("flood")
    assert len(written.lines) == lines


def test_each_of_several_workers_says_which_it_is() -> None:
    with writing("text", worker=3) as written:
        log.info("publish.start", stream="live/a")
    assert written.lines[0].endswith("info    publish.start worker=3 stream=live/a")
    with writing(worker=3) as written:
        log.info("publish.start", stream="live/a")
    assert list(written.events[0]) == ["time", "level", "event", "worker", "stream"]


def test_the_note_comes_with_the_next_line_too() -> None:
    with writing() as written:
        for _ in range(21):
            log.info("flood")
        written.clock.now = 1.0
        log.info("other")
    assert [event["event"] for event in written.events[-2:]] == ["log.left_out", "other"]


def fail() -> None:
    raise RuntimeError("two\nlines")


def test_an_exception_is_one_line_that_says_what_and_where() -> None:
    with writing() as written:
        try:
            fail()
        except RuntimeError:
            log.exception("bug")
    (event,) = written.events
    assert event["error"] == r"RuntimeError: two\nlines"
    inner, outer = str(event["where"]).split(" < ")
    assert inner.endswith(" fail")
    assert outer.endswith(" test_an_exception_is_one_line_that_says_what_and_where")


def test_libraries_speak_the_same_way() -> None:
    with writing() as written:
        logging.getLogger("asyncio").warning("took %s\n", "long")
        logging.getLogger("aiohttp.server").info("not worth a line")
        warnings.warn("old", stacklevel=1)
    events = written.events
    assert [event["event"] for event in events] == ["library", "library"]
    assert (events[0]["name"], events[0]["text"], events[0]["level"]) == (
        "asyncio",
        r"took long\n",
        "warning",
    )


def test_a_peers_error_is_no_error_of_ours() -> None:
    with writing() as written:
        logging.getLogger("x").error("failed", exc_info=ChunkError("bad"))
        logging.getLogger("x").error("failed", exc_info=KeyError("bad"))
    assert [event["level"] for event in written.events] == ["info", "error"]


def test_a_log_that_cannot_be_written_hurts_nobody() -> None:
    with writing() as written:
        written.stream.close()
        log.info("a")
        log.info("b")
    assert written.logs.lost == 2


def test_stopping_leaves_no_trace() -> None:
    handlers = list(logging.getLogger().handlers)
    with writing():
        pass
    assert logging.getLogger().handlers == handlers


def test_whoever_wants_to_know_is_told_of_errors_and_of_nothing_else() -> None:
    with writing() as written:
        told: list[str] = []
        written.logs.on_error = told.append
        log = structlog.get_logger()
        log.warning("a.warning")
        log.error("an.error")
    assert told == ["an.error"]


def test_level_and_form_change_from_one_line_to_the_next() -> None:
    log = structlog.get_logger()
    with writing() as written:
        log.info("first")
        written.logs.change(LogSettings(format="text", level="warning"))
        log.info("second")
        log.warning("third")
        first, third = written.lines
    assert json.loads(first)["event"] == "first"
    assert third.endswith("warning third")
