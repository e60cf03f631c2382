"""The hooks of one worker: hears what happens, and has it told, asked and run."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

from slipstream.hooks.asking import Asking
from slipstream.hooks.commands import Commands
from slipstream.hooks.courier import Courier
from slipstream.hooks.form import Stamp
from slipstream.hooks.forms import FORMS
from slipstream.hooks.outbox import Message, Outbox
from slipstream.hooks.sender import Sender
from slipstream.hooks.settings import HookSettings
from slipstream.hooks.throttle import Throttle
from slipstream.hooks.updates import Updates
from slipstream.hub import EndReason, Hub, Notice

FOLDER = "hooks"
EVENT_RESULTS = ("sent", "failed", "dropped", "asked", "unanswered")
COMMAND_RESULTS = ("started", "failed", "dropped")
LAST_POSTS_S = 1.0  # when the worker ends; what is not delivered by then stays on disk


class Hooks:
    """Call `start()` before anybody connects and `stop()` when everybody has left.

    Attributes:
        courier, asking, commands: with their counters.

    Args:
        hub: whose notices it hears.
        settings_of: by the stream's name; of the server as a whole by "".
        data_dir: of the server.
        places: how many workers there are, and whose place ours has.
        gives_way: whether this worker is being replaced.
    """

    def __init__(
        self,
        hub: Hub,
        settings_of: Callable[[str], HookSettings],
        data_dir: Path,
        *,
        places: tuple[int, int] = (1, 0),
        gives_way: Callable[[], bool] = bool,
    ) -> None:
        self._hub = hub
        self._settings_of = settings_of
        self._host = socket.gethostname()
        self._sender = sender = Sender()
        self._throttle = Throttle()
        outbox = Outbox(data_dir / FOLDER, places[1], settings_of("").max_waiting)
        self.courier = Courier(outbox, sender, settings_of, places=places, gives_way=gives_way)
        self.asking = Asking(sender, settings_of, self._server)
        self.commands = Commands(settings_of)
        self._updates = Updates(self.asking, settings_of, self._send_away)

    def start(self) -> None:
        """Hear from now on, and deliver what is there from before."""
        self.courier.start()
        self._hub.notices.listeners.append(self._hear)

    async def stop(self) -> None:
        """Hear no more; what cannot be delivered at once stays on disk."""
        self._hub.notices.listeners.remove(self._hear)
        await self._updates.stop()
        await asyncio.gather(self.courier.stop(LAST_POSTS_S), self.commands.stop())
        await self._sender.close()

    @property
    def counts(self) -> dict[str, Callable[[], dict[str, float]]]:
        """Functions that read what is counted, by what it is of: metrics with a label each."""
        return {"hooks": self._now, "hook_events": self._events, "hook_commands": self._commands}

    def _now(self) -> dict[str, float]:
        return {
            "events_waiting": self.courier.waiting,
            "commands_running": self.commands.running,
            "breakers_open": self.asking.open_breakers,
        }

    def _events(self) -> dict[str, float]:
        told, asked = self.courier, self.asking
        counts = (told.sent, told.failed, told.dropped, asked.asked, asked.unanswered)
        return dict(zip(EVENT_RESULTS, counts, strict=True))

    def _commands(self) -> dict[str, float]:
        run = self.commands
        return dict(zip(COMMAND_RESULTS, (run.started, run.failed, run.dropped), strict=True))

    def _hear(self, notice: Notice) -> None:
        if not self._throttle.lets_through(notice, asyncio.get_running_loop().time()):
            return
        settings = self._settings_of(notice.stream)
        event = str(notice.kind)
        if settings.url_of(event):
            form = FORMS[settings.form]
            stamp = Stamp(secrets.token_hex(16), time.time(), self._server(settings))
            body = form.tell(notice, stamp)
            if body is not None:
                of = (stamp.id, stamp.at_s, notice.stream, event, form.content_type)
                self.courier.tell(Message(*of, body))
        if settings.commands:
            self.commands.run(notice, settings)
        self._updates.hear(notice)

    def _server(self, settings: HookSettings) -> str:
        return settings.server_id or self._host

    def _send_away(self, notice: Notice) -> None:
        """End what somebody does with a stream."""
        stream = self._hub.streams.get(notice.stream)
        if stream is None:
            return
        for subscription in list(stream.subscriptions):
            if subscription.peer.connection_id == notice.id:
                subscription.end(EndReason.KICKED)
        for publication in stream.publications():
            if publication.peer.connection_id == notice.id:
                publication.end(EndReason.KICKED, asyncio.get_running_loop().time())
