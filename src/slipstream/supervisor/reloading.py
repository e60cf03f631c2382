"""How a server of several workers reloads its configuration: read once, here, and told to all."""

from __future__ import annotations

from collections.abc import Callable

from slipstream.control.configuration.live import LiveConfig
from slipstream.control.configuration.reload import LoadConfig, ReloadReport, read, settle
from slipstream.workers.messages import Configure, Message


class Reloading:
    """Call `reload()` when it is wanted.

    Args:
        live: what is in force.
        load: reads the configuration; a supervisor has time for that.
        tell_all: sends a message to all workers.
    """

    def __init__(
        self, live: LiveConfig, load: LoadConfig, tell_all: Callable[[Message], None]
    ) -> None:
        self._live = live
        self._load = load
        self._tell_all = tell_all

    def reload(self) -> ReloadReport:
        """Read the configuration, and tell it to all workers unless it is refused."""
        report = settle(self._live, read(self._load))
        if not report.mistakes:
            self._tell_all(self.news())
        return report

    def news(self) -> Configure:
        """What a worker is told that may not know what is in force."""
        return Configure(self._live.config.to_json(), self._live.pending)
