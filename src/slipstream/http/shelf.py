"""What players have been answered lately, to be answered again at once.

Routes put answers here that everybody else would get as well. Whoever is known as a player and asks
for the same in the usual way gets them before the library has read anything; everybody and
everything else goes the usual way, which alone decides what the answers are.
"""

from __future__ import annotations

from functools import lru_cache

from aiohttp import web
from yarl import URL

from slipstream.access import Action, Request
from slipstream.http.connection import Caller, caller_of
from slipstream.http.origins import Origins
from slipstream.http.presentation import Player, Presentation, Presentations
from slipstream.http.ready import ReadyAnswer
from slipstream.net.services import Services

MAX_ADDRESSES = 4096  # 200 bytes each


class Shelf:
    """One for a worker: `keep()` what is found by `find()`.

    Args:
        services: of this worker.
        presentations: of this worker; they hold the answers, which change and go with them.
        origins: which web pages may play from here.
    """

    def __init__(self, services: Services, presentations: Presentations, origins: Origins) -> None:
        self._services = services
        self._presentations = presentations
        self._origins = origins
        self._addresses: dict[str, tuple[str, str | None]] = {}  # stream and protocol of paths

    def keep(
        self,
        request: web.BaseRequest,
        response: web.Response,
        presentation: Presentation,
        key: tuple[str, str | None],
        number: int | None,
    ) -> None:
        """Keep an answer, if others get the same.

        Args:
            request: to which it is the answer.
            response: the answer.
            presentation: to which it belongs.
            key: the stream, and the protocol by which whoever asks for this is known.
            number: of the media segment that it is, or is part of, for ever; None: it is what it is
                until the presentation changes, and depends on the query.
        """
        is_old = number is not None and not presentation.is_new(number)
        caller = caller_of(request)
        if is_old or response.status != 200 or caller is None or not self._may_share(caller):
            return
        path = request.raw_path.partition("?")[0]
        if len(self._addresses) >= MAX_ADDRESSES:
            self._addresses.clear()
        self._addresses[path] = key
        if number is None:
            asked = request.raw_path, caller.takes_gzip
            presentation.keep_until_changed(asked, ReadyAnswer(response))
        else:
            variant = path, bool(caller.bearer)
            presentation.keep_while_new(variant, number, ReadyAnswer(response))

    def find(self, target: str, caller: Caller) -> ReadyAnswer | None:
        """What is to be sent, if it is here and the one who asks may have it at once."""
        path, _, query = target.partition("?")
        address = self._addresses.get(path)
        if address is None or not self._may_share(caller):
            return None
        player = self._player(caller, *address)
        if player is None or player.presentation is None or player.refused is not None:
            return None
        kept = player.presentation.kept.get((path, bool(caller.bearer)))
        answer = kept[1] if kept else player.presentation.ready.get((target, caller.takes_gzip))
        if answer is None:
            return None
        query = _decoded_query(target) if query else ""
        now, key = self._services.loop.time(), player.key
        question = Request(
            Action.PLAY,
            key.stream,
            key.address,
            query,
            key.protocol,
            client=caller.agent,
            page_url=caller.page_url,
            origin=caller.origin,
            bearer=caller.bearer,
        )
        if not self._services.gate.decide(question, now, counts=False).allowed:
            return None  # the usual way counts a wrong key, and says no
        player.asked_at = now
        if address[1] is not None:
            player.told_at = now
        player.bytes_sent += answer.size
        if player.media_at is None and kept is not None:
            player.media_at = now
        return answer

    def _player(self, caller: Caller, stream: str, protocol: str | None) -> Player | None:
        if protocol is None:
            return self._presentations.latest(stream, caller.address, caller.agent)
        return self._presentations.known(stream, protocol, caller.address, caller.agent)

    def _may_share(self, caller: Caller) -> bool:
        """Whether it gets the same as all others."""
        return self._origins.are_any or not caller.origin


@lru_cache(1024)
def _decoded_query(target: str) -> str:
    """As it is everywhere else."""
    return URL(target, encoded=True).query_string
