"""Answers that hold for a visit: players of HLS and DASH ask several times a second.

What others have allowed over HTTP is not asked again for `VISIT_S`, for the same stream, address,
player and query. A refusal is never kept. Connections that ask once have no visits.
"""

from __future__ import annotations

from collections import OrderedDict

from slipstream.access.request import Action, Decision, Request

VISIT_S = 30.0
MAX_VISITS = 16_384  # about 1 KB each
DIRECTIVES = "_HLS_"  # parameters that players add, different in each request

Visit = tuple[str, str, str, str]


class Visits:
    """Call `note()` with what others have allowed; `answer()` knows it for a while."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Visit, tuple[Decision, float]] = OrderedDict()

    def note(self, request: Request, decision: Decision, now: float) -> None:
        """Others have allowed this."""
        if request.id or request.action is not Action.PLAY:
            return
        visit = _visit(request)
        self._answers[visit] = decision, now + VISIT_S
        self._answers.move_to_end(visit)
        while self._answers:
            oldest, (_, until) = next(iter(self._answers.items()))
            if len(self._answers) <= MAX_VISITS and now < until:
                break
            del self._answers[oldest]

    def answer(self, request: Request, now: float) -> Decision | None:
        """What was answered to the same player lately."""
        if request.id or request.action is not Action.PLAY:
            return None
        decision, until = self._answers.get(_visit(request), (None, 0.0))
        return decision if now < until else None


def _visit(request: Request) -> Visit:
    query = request.query
    if DIRECTIVES in query:
        kept = (part for part in query.split("&") if not part.startswith(DIRECTIVES))
        query = "&".join(kept)
    return request.stream, request.address, request.client, query
