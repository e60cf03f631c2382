"""The gate: decides, from the request alone, whether it is allowed.

Rules on addresses and pages hold first. Then an application names ways in which somebody may be
let in; each of them is enough. What the gate can tell it tells at once. Where the keys of tokens
must be fetched first, or an application also asks others and nothing else has decided, the answer
is "undecided": then `await ask()`. No credential, a wrong one and too many wrong ones are one
answer to the peer; the reason is for the log. The gate does not know which streams exist, so it
cannot tell on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import structlog

from slipstream.access.failures import Failures
from slipstream.access.keys import ReadSecret, reading
from slipstream.access.policy import Policy
from slipstream.access.request import Action, Decision, Grant, Request
from slipstream.access.rules import refusal_by_rules
from slipstream.access.settings import AccessSettings
from slipstream.access.signed import SignedWay
from slipstream.access.store import LiveStore
from slipstream.access.stream_keys import CREDENTIAL_DIGITS, KeyWay, hash_of
from slipstream.access.tokens import PENDING, TokenWay
from slipstream.access.users import Introduction, Introductions, Users, UserWay
from slipstream.access.visits import Visits
from slipstream.access.ways import Shown, Way, parameters
from slipstream.rtmp.authentication import Scheme, authentication_failed

log = structlog.get_logger()

EVERYBODY = Decision(allowed=True)
UNDECIDED = Decision(allowed=False, reason="others must be asked", undecided=True)
TOO_MANY = Decision(allowed=False, reason="too many wrong keys from this address")

EXPIRED = {"token": "the token has expired", "signed": "the signed URL has expired"}

AccessSettingsOf = Callable[[str], AccessSettings]


class AskBackend(Protocol):
    """Asks others: somebody's own application, over HTTP."""

    async def ask(self, request: Request) -> Decision:
        """Return what they say; it never takes long, and never raises.

        An empty credential stands for the query: whoever shows the same may take over.
        """


class Gate:
    """Call `decide()` for everyone who wants to publish or play, and `ask()` if it cannot tell.

    Attributes:
        failures: wrong credentials so far.
        backend: who is asked; without one, whoever would need it is refused.

    Args:
        settings_of: the settings of an application, by the stream's name.
        key: for publishing everything, or what reads it.
        failures: see above.
        folder: the data folder, with the other keys and the users; None: there are none.
        signing_key: of the server, for tokens and signed URLs; empty: there are none.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        settings_of: AccessSettingsOf,
        key: str | ReadSecret,
        failures: Failures | None = None,
        *,
        folder: Path | None = None,
        signing_key: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.failures = failures or Failures()
        self.backend: AskBackend | None = None
        self._settings_of = settings_of
        self._clock = clock
        self._visits = Visits()
        self._tokens = TokenWay(signing_key)
        store = None if folder is None else LiveStore(folder)
        self._ways: dict[str, Way] = {
            "key": KeyWay(reading(key), store),
            "token": self._tokens,
            "signed": SignedWay(signing_key),
        }
        self._introductions: Introductions | None = None
        if store is not None:
            users = Users(store)
            self._ways["user"] = UserWay(users)
            self._introductions = Introductions(users, signing_key or reading(key)())

    def decide(self, request: Request, now: float, *, counts: bool = True) -> Decision:
        """Say yes or no, or that others must be asked.

        Args:
            request: who wants what.
            now: seconds on the monotonic clock.
            counts: whether a wrong credential counts as a guess; else the same must be decided
                once more if it is not allowed.
        """
        settings = self._settings_of(request.stream)
        reason = refusal_by_rules(request, settings)
        if reason:
            return Decision(allowed=False, reason=reason)
        ways = settings.ways(request.action)
        if not ways:
            if request.action is Action.PLAY:
                return EVERYBODY
            return Decision(allowed=True, credential=f"address:{request.address}")
        shown = Shown(request, parameters(request.query), settings, self._clock())
        decision = self._by_credentials(shown, ways, now, counts=counts)
        if decision.allowed or decision.undecided or decision is TOO_MANY or "hook" not in ways:
            return decision
        return self._visits.answer(request, now) or UNDECIDED

    async def ask(self, request: Request, now: float) -> Decision:
        """Ask others about a request that is undecided; arguments are those of `decide()`."""
        decision = self.decide(request, now)
        if decision is PENDING:
            settings = self._settings_of(request.stream)
            await self._tokens.load(settings.token_keys, self._clock())
            decision = self.decide(request, now)
        if decision is not UNDECIDED:
            return decision
        if self.backend is None:
            return Decision(allowed=False, reason="there is nobody to ask")
        try:
            decision = await self.backend.ask(request)
        except Exception:
            log.exception("access.bug")
            return Decision(allowed=False, reason="asking others failed")
        if not decision.allowed:
            if decision.guess:
                self.failures.note(request.address, now)
            return decision
        if not decision.credential:
            digest = hash_of(request.query)[:CREDENTIAL_DIGITS]
            decision = replace(decision, credential=f"hook:{digest}")
        self._visits.note(request, decision, now)
        return decision

    def policy(self, stream: str, own: Policy) -> Policy:
        """What holds for a publisher of a stream whose credential came with a policy."""
        return own.within(self._settings_of(stream).policy)

    def revoked(self, stream: str, action: Action, grant: Grant) -> str:
        """Why somebody must not go on who was let in; empty if they may.

        Args:
            stream: with which they do something.
            action: what they do with it.
            grant: what they were let in by.
        """
        now = self._clock()
        if grant.expires is not None and now >= grant.expires:
            ended = self._settings_of(stream).end_when_expired
            if ended == "everybody" or (ended == "publishers" and action is Action.PUBLISH):
                return EXPIRED[grant.way]
        way = self._ways.get(grant.way)
        return "" if way is None else way.revoked(grant, now)

    def introduce(
        self, app: str, query: str, address: str, now: float, *, publishes: bool
    ) -> Introduction:
        """Ask a client who it is, where the application lets users in.

        Args:
            app: of its `connect`.
            query: behind the application.
            address: of the client.
            now: seconds on the monotonic clock.
            publishes: whether it says that it will publish.
        """
        settings = self._settings_of(f"{app}/_")
        ways = settings.ways(Action.PUBLISH if publishes else Action.PLAY)
        if self._introductions is None or "user" not in ways:
            return Introduction()
        others = [self._ways[way] for way in ways if way in self._ways]
        request = Request(Action.PUBLISH, f"{app}/_", address, query, "rtmp")
        shown = Shown(request, parameters(query), settings, self._clock())
        if any(way.is_shown(shown) for way in others):
            return Introduction()
        scheme = Scheme(settings.user_scheme)
        if self.failures.is_blocked(address, now):
            return Introduction(refusal=authentication_failed(scheme, ""), reason=TOO_MANY.reason)
        introduction = self._introductions.hear(app, query, address, scheme, shown.time)
        if introduction.reason:
            self.failures.note(address, now)
        return introduction

    def _by_credentials(
        self, shown: Shown, names: Sequence[str], now: float, *, counts: bool
    ) -> Decision:
        """What the credentials are good for that somebody shows."""
        found = (self._ways.get(name) for name in names)
        ways = [way for way in found if way is not None and way.is_shown(shown)]
        address = shown.request.address
        if not ways:
            missing = "no key" if list(names) == ["key"] else "no credential"
            return Decision(allowed=False, reason=missing)
        if self.failures.is_blocked(address, now):
            return TOO_MANY
        refused = []
        for way in ways:
            decision = way.check(shown)
            if decision.allowed or decision.undecided:
                return decision
            refused.append(decision)
        if counts and "hook" not in names and any(decision.guess for decision in refused):
            self.failures.note(address, now)
        return refused[0]
