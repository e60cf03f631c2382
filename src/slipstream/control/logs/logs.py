"""The log: one line per event on standard error, for people or for machines.

Every part logs through structlog, `log.info("publish.start", stream=...)`; what the libraries
say through Python's own logging comes out the same way. What a line may carry is decided in
`log_fields`, how many of them there may be in `line_limit`.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, MutableMapping
from time import monotonic
from typing import Any, TextIO

import orjson
import structlog
from aiohttp.http import HttpProcessingError

from slipstream.control.configuration.settings import LogSettings
from slipstream.control.logs.fields import clean
from slipstream.control.logs.line_limit import LineLimit
from slipstream.control.logs.ring import Ring
from slipstream.errors import ProtocolError

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
LINES_PER_S = 20  # of one kind, written by all workers together
LINES_KEPT = 500  # for whoever looks later; a line is about 1 KB
NOTE = "log.left_out"
LIBRARY = "library"
THEIRS = (ProtocolError, HttpProcessingError, ConnectionError)  # no bug of ours, and no news
FRAMES_TOLD = 6  # of a traceback, the innermost first

_BARE = re.compile(r"[^\s\"=]+")  # a value that needs no quotes

Event = MutableMapping[str, Any]


class Logs:
    """Call `start()` once, `tick()` about once a second, `stop()` in the end.

    What is written, and how, can `change()` in between.

    Args:
        settings: what is written, and how.
        secrets: masked wherever they occur.
        worker: the number of the worker that writes, told in every line; None if there is one.
        share: among how many the limit of lines is divided.
        stream: where the lines go; standard error if None.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        settings: LogSettings,
        *,
        secrets: Iterable[str] = (),
        worker: int | None = None,
        share: int = 1,
        stream: TextIO | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.lines: Counter[str] = Counter()  # written, by level
        self.limit = LineLimit(max(1, LINES_PER_S // share))
        self.on_error: Callable[[str], object] | None = None  # told the kind, in any thread
        self.recent: Ring[Event] = Ring(LINES_KEPT)
        self._settings = settings
        self._secrets = list(secrets)
        self._worker = {} if worker is None else {"worker": worker}
        self._writer = _Writer(stream or sys.stderr)
        self._clock = clock
        self._bridge = _Bridge(logging.WARNING)

    @property
    def lost(self) -> int:
        """Lines that standard error did not take."""
        return self._writer.lost

    def start(self) -> None:
        """Become the log of this process."""
        self._configure()
        logging.getLogger().addHandler(self._bridge)
        logging.captureWarnings(True)

    def change(self, settings: LogSettings) -> None:
        """From the next line on, write as these settings say."""
        self._settings = settings
        self._configure()

    def hide(self, secret: str) -> None:
        """Mask this as well from now on, wherever it occurs."""
        self._secrets.append(secret)

    def tick(self) -> None:
        """Tell what was left out."""
        self._tell_left_out(self._clock())

    def stop(self) -> None:
        """Be the log no more."""
        logging.captureWarnings(False)
        logging.getLogger().removeHandler(self._bridge)
        structlog.reset_defaults()

    def _configure(self) -> None:
        structlog.configure(
            processors=[
                self._admit,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
                _tell_error,
                self._clean,
                _as_json if self._settings.format == "json" else _as_text,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(LEVELS[self._settings.level]),
            logger_factory=lambda *_: self._writer,
            cache_logger_on_first_use=False,
        )

    def _admit(self, _: object, level: str, event: Event) -> Event:
        if event["event"] != NOTE:
            now = self._clock()
            self._tell_left_out(now)
            if not self.limit.admits(event["event"], now):
                raise structlog.DropEvent
        self.lines[level] += 1
        if self.on_error is not None and LEVELS.get(level, logging.ERROR) >= logging.ERROR:
            self.on_error(event["event"])
        return event

    def _tell_left_out(self, now: float) -> None:
        for kind, lines in self.limit.take_notes(now):
            structlog.get_logger().warning(NOTE, kind=kind, lines=lines)

    def _clean(self, _: object, __: str, event: Event) -> Event:
        cleaned = {name: clean(name, value, self._secrets) for name, value in event.items()}
        line = {**self._worker, **cleaned}
        self.recent.append(dict(line))
        return line


class _Writer:
    """Takes whole lines; one that cannot be written is counted, and nobody suffers for it."""

    def __init__(self, stream: TextIO) -> None:
        self.lost = 0
        self._stream = stream

    def write(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # closed, full, or not made for these letters
            self.lost += 1

    debug = info = warning = error = critical = write


class _Bridge(logging.Handler):
    """Leads what libraries log into our log; their texts are no kinds of events."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        logger = structlog.get_logger()
        if isinstance(error, THEIRS):
            tell = logger.info
        else:
            tell = logger.error if record.levelno >= logging.ERROR else logger.warning
        tell(LIBRARY, name=record.name, text=record.getMessage(), exc_info=error)


def _tell_error(_: object, __: str, event: Event) -> Event:
    """An exception in one line: what, and where, innermost first."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error"] = f"{type(error).__name__}: {error}"
        if not isinstance(error, THEIRS):
            frames = traceback.extract_tb(error.__traceback__)[: -FRAMES_TOLD - 1 : -1]
            event["where"] = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in frames)
    return event


def _as_text(_: object, __: str, event: Event) -> str:
    time, level, name = event.pop("time"), event.pop("level"), event.pop("event")
    fields = "".join(f" {key}={_quoted(value)}" for key, value in event.items())
    return f"{time} {level:<7} {name}{fields}"


def _as_json(_: object, __: str, event: Event) -> str:
    head = {key: event.pop(key) for key in ("time", "level", "event")}
    return orjson.dumps({**head, **event}).decode()


def _quoted(value: object) -> str:
    text = str(value)
    if _BARE.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
