"""What players have been answered lately, to be answered again at once.

Routes put answers here that everybody else would get as well. Whoever is known as a player and asks
for the same in the usual way gets them before the library has looked for a route; everybody and
everything else goes the usual way, which alone decides what the answers are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import HttpVersion11, hdrs, web

from slipstream.http.access import peer_address, question
from slipstream.http.origins import Origins
from slipstream.http.presentation import Player, Presentation, Presentations
from slipstream.http.ready import ReadyAnswer, make_ready
from slipstream.net.services import Services

MAX_ADDRESSES = 4096  # 200 bytes each

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


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
        if is_old or response.status != 200 or not self._is_usual(request):
            return
        path = request.raw_path.partition("?")[0]
        if len(self._addresses) >= MAX_ADDRESSES:
            self._addresses.clear()
        self._addresses[path] = key
        if number is None:
            presentation.keep_until_changed(_variant(request), make_ready(response))
        else:
            presentation.keep_while_new(path, number, make_ready(response))

    def find(self, request: web.BaseRequest) -> ReadyAnswer | None:
        """What is to be answered, if it is here and the one who asks may have it at once."""
        path = request.raw_path.partition("?")[0]
        address = self._addresses.get(path)
        if address is None or not self._is_usual(request):
            return None
        player = self._player(request, *address)
        if player is None or player.presentation is None or player.refused is not None:
            return None
        kept = player.presentation.kept.get(path)
        answer = kept[1] if kept else player.presentation.ready.get(_variant(request))
        transport = request.transport
        if answer is None or transport is None or transport.get_write_buffer_size():
            return None
        now, key = self._services.loop.time(), player.key
        asked = question(request, key.stream, key.protocol)
        if not self._services.gate.decide(asked, now).allowed:
            return None
        player.asked_at = now
        if address[1] is not None:
            player.told_at = now
        player.bytes_sent += answer.size
        return answer

    def _player(self, request: web.BaseRequest, stream: str, protocol: str | None) -> Player | None:
        who = peer_address(request), request.headers.get(hdrs.USER_AGENT, "")
        if protocol is None:
            return self._presentations.latest(stream, *who)
        return self._presentations.known(stream, protocol, *who)

    def _is_usual(self, request: web.BaseRequest) -> bool:
        headers = request.headers
        return (
            request.method == "GET"
            and request.version == HttpVersion11
            and request.keep_alive
            and hdrs.RANGE not in headers
            and hdrs.IF_NONE_MATCH not in headers
            and (self._origins.are_any or hdrs.ORIGIN not in headers)
        )


def _variant(request: web.BaseRequest) -> tuple[str, bool]:
    return request.raw_path, "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
