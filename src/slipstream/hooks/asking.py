"""Asks somebody's own application whether somebody may connect, publish or play."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Hashable
from typing import NamedTuple

import structlog

from slipstream.access import Action, Decision, Request
from slipstream.hooks.answers import Answer, Answers, max_age_s
from slipstream.hooks.breaker import Breaker
from slipstream.hooks.form import Posted, Stamp
from slipstream.hooks.forms import FORMS
from slipstream.hooks.sender import PostError, Sender
from slipstream.hooks.settings import HookSettings
from slipstream.hooks.signature import signed_headers
from slipstream.hub import Notice, NoticeKind

log = structlog.get_logger()

MAX_ADDRESSES = 1024  # with a breaker; they come from the configuration, which may be reloaded


class _Question(NamedTuple):
    """All that an answer may depend on, so that it holds for nobody else."""

    url: str
    asked: Hashable
    """Whom it is about, and what they want, but for the connection's id."""


class Asking:
    """The gate's `AskBackend`, the connections' `Doorkeeper`, and who asks whether to go on.

    Attributes:
        asked: questions that were posted.
        unanswered: questions that had no answer, and got the default.

    Args:
        sender: posts.
        settings_of: by the stream's name.
        server_of: what this server calls itself, by its settings.
    """

    def __init__(
        self,
        sender: Sender,
        settings_of: Callable[[str], HookSettings],
        server_of: Callable[[HookSettings], str],
    ) -> None:
        self.asked = self.unanswered = 0
        self._sender = sender
        self._settings_of = settings_of
        self._server_of = server_of
        self._answers: Answers[_Question] = Answers()
        self._breakers: dict[str, Breaker] = {}

    @property
    def open_breakers(self) -> int:
        """Addresses that are left alone, but for probes."""
        return sum(breaker.is_open for breaker in self._breakers.values())

    async def ask(self, request: Request) -> Decision:
        """See `AskBackend`."""
        settings = self._settings_of(request.stream)
        url = settings.asked_about(str(request.action))
        if not url:
            return Decision(allowed=False, reason=f"hooks.ask_{request.action} names nobody to ask")
        # Connections have different ids, and the answer is meant for whoever shows the same.
        question = _Question(url, request._replace(id=""))
        action = str(request.action)
        return await self._decide(question, action, _notice(request), settings)

    def is_asked(self, app: str) -> bool:
        """See `Doorkeeper`."""
        return bool(self._settings_of(app).ask_connect)

    async def ask_connect(self, notice: Notice) -> Decision:
        """See `Doorkeeper`."""
        settings = self._settings_of(notice.stream)
        shown = (notice.stream, notice.address, notice.query, notice.client)
        more = (notice.tc_url, notice.page_url, notice.detail.get("user", ""))
        question = _Question(settings.ask_connect, (*shown, *more))
        return await self._decide(question, "connect", notice, settings)

    async def _decide(
        self, question: _Question, action: str, notice: Notice, settings: HookSettings
    ) -> Decision:
        now = asyncio.get_running_loop().time()
        answer = self._answers.find(question, now)
        if answer is None:
            answer = await self.answer(action, notice, question.url, settings)
            self._answers.keep(question, answer, now)
        return _decision(answer, settings)

    async def answer(self, action: str, notice: Notice, url: str, settings: HookSettings) -> Answer:
        """What somebody who is asked says; `allows` is None if they say nothing.

        Args:
            action: `connect`, `publish`, `play` or `update`.
            notice: whom it is about.
            url: who is asked.
            settings: of the stream.
        """
        breaker = self._breaker(url)
        loop = asyncio.get_running_loop()
        if not breaker.lets_through(loop.time()):
            self.unanswered += 1
            return Answer(None, "not asked: it has failed too often")
        answer = await self._post(action, notice, url, settings)
        failed = answer.allows is None
        was_open = breaker.is_open
        breaker.note(loop.time(), failed=failed)
        if failed:
            self.unanswered += 1
            log.warning(
                "hooks.no_answer", stream=notice.stream, url=_plain(url), reason=answer.reason
            )
        if breaker.is_open is not was_open:
            log.warning("hooks.breaker", url=_plain(url), open=breaker.is_open)
        return answer

    async def _post(self, action: str, notice: Notice, url: str, settings: HookSettings) -> Answer:
        form = FORMS[settings.form]
        at_s = time.time()
        stamp = Stamp(secrets.token_hex(16), at_s, self._server_of(settings))
        body = form.ask(action, notice, stamp)
        if body is None:
            return Answer(None, f"the form {settings.form} has no such question")
        headers = {
            "Content-Type": form.content_type,
            **signed_headers(stamp.id, body, int(at_s), settings.secret),
        }
        self.asked += 1
        try:
            answered = await self._sender.post(url, body, headers, settings.ask_timeout_s)
        except PostError as error:
            return Answer(None, str(error))
        answer = form.read(Posted(answered.status, answered.body))
        holds_s = max(answer.max_age_s, max_age_s(answered.cache_control))
        return answer._replace(max_age_s=holds_s)

    def _breaker(self, url: str) -> Breaker:
        breaker = self._breakers.get(url)
        if breaker is None:
            if len(self._breakers) >= MAX_ADDRESSES:
                del self._breakers[next(iter(self._breakers))]
            breaker = self._breakers[url] = Breaker()
        return breaker


def _decision(answer: Answer, settings: HookSettings) -> Decision:
    allowed = settings.ask_default == "allow" if answer.allows is None else answer.allows
    reason = "" if answer.allows else answer.reason or "the hook says no"
    return Decision(allowed, reason=reason, policy=answer.policy)


def _notice(request: Request) -> Notice:
    """Whom a question is about."""
    publishes = request.action is Action.PUBLISH
    return Notice(
        NoticeKind.PUBLISH if publishes else NoticeKind.PLAY,
        stream=request.stream,
        id=request.id,
        address=request.address,
        protocol=request.protocol,
        client=request.client,
        query=request.query,
        tc_url=request.tc_url,
        page_url=request.page_url,
        detail={"user": request.user} if request.user else {},
    )


def _plain(url: str) -> str:
    """An address for the log, without what may be secret in it."""
    place, _, _ = url.partition("?")
    scheme, _, rest = place.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
