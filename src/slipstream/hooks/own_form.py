"""Our own form: JSON objects."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipstream.access import NO_POLICY, Policy
from slipstream.hooks.answers import Answer
from slipstream.hooks.form import Posted, Stamp, no_answer, without_credentials
from slipstream.hub import Notice

MAX_TEXT = 2_048  # characters of what a peer says of itself
REFUSALS = (401, 403, 404)


class OwnAnswer(BaseModel):
    """What may be answered to a question; all of it may be missing."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    allow: bool = True
    reason: str = ""
    cache_s: float = Field(default=0, ge=0)
    policy: Policy = NO_POLICY


class OwnForm:
    """See `Form`."""

    content_type = "application/json"

    def tell(self, notice: Notice, stamp: Stamp) -> bytes | None:
        """An object with `event`."""
        notice = replace(
            notice,
            query=without_credentials(notice.query),
            tc_url=_without_credentials(notice.tc_url),
        )
        what = {"event": str(notice.kind), **_common(notice, stamp)}
        what |= {"reason": notice.reason, "detail": dict(notice.detail)}
        return orjson.dumps(what, default=str)

    def ask(self, action: str, notice: Notice, stamp: Stamp) -> bytes | None:
        """An object with `question`."""
        what = {"question": action, **_common(notice, stamp), "detail": dict(notice.detail)}
        if action == "update":
            what["doing"] = str(notice.kind)
        return orjson.dumps(what, default=str)

    def read(self, posted: Posted) -> Answer:
        """2xx allows unless the body says otherwise; 401, 403 and 404 refuse."""
        if posted.status in REFUSALS:
            return Answer(allows=False, reason=f"answered with the status {posted.status}")
        if not 200 <= posted.status < 300:
            return no_answer(posted.status)
        if not posted.body.strip():
            return Answer(allows=True)
        try:
            said = OwnAnswer.model_validate_json(posted.body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            return Answer(None, f"answered with what cannot be read: {place} {first['msg']}")
        return Answer(said.allow, said.reason[:MAX_TEXT], said.cache_s, said.policy)


def _common(notice: Notice, stamp: Stamp) -> dict[str, object]:
    app, _, name = notice.stream.partition("/")
    time = datetime.fromtimestamp(stamp.at_s, UTC).isoformat(timespec="milliseconds")
    return {
        "id": stamp.id,
        "time": time.replace("+00:00", "Z"),
        "server": stamp.server,
        "stream": notice.stream if name else "",
        "app": app,
        "name": name,
        "connection": notice.id,
        "address": notice.address,
        "protocol": notice.protocol,
        "client": notice.client[:MAX_TEXT],
        "query": notice.query[:MAX_TEXT],
        "tc_url": notice.tc_url[:MAX_TEXT],
        "page_url": notice.page_url[:MAX_TEXT],
    }


def _without_credentials(url: str) -> str:
    address, mark, query = url.partition("?")
    return f"{address}{mark}{without_credentials(query)}"
