"""The policy of one publisher, enforced where its media comes in.

Warn: a line in the log and a notice. Refuse: whoever begins with too large a picture, or announces
too much, is sent away before it is on air. Cut: whoever sends too much is sent away then.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import structlog

from slipstream.access import Excess, Measure, TooMuch
from slipstream.errors import MediaError
from slipstream.hub import NoticeKind, PublisherState
from slipstream.media import Frame, Kind, describe, parse_metadata
from slipstream.net.rtmp_permit import Permit

if TYPE_CHECKING:
    from slipstream.net.rtmp_session import RtmpSession

log = structlog.get_logger()

RATES = ("videodatarate", "audiodatarate")  # of metadata, in kbit/s


class IngestPolicy:
    """Asked about each read: `refuses()`; and `reconsider()` when the settings are others.

    Args:
        session: of the connection.
        permit: that it publishes by.
        began: when it began to publish, in seconds on the monotonic clock.
    """

    __slots__ = ("_measure", "_permit", "_session")

    def __init__(self, session: RtmpSession, permit: Permit, began: float) -> None:
        policy_of = partial(session.services.gate.policy, permit.stream, permit.policy)
        self._session = session
        self._permit = permit
        self._measure = Measure(policy_of, began)

    def refuses(self, frames: Sequence[Frame], state: PublisherState, now: float) -> str:
        """Why the publisher is to be sent away; empty if it is not.

        Args:
            frames: of one read.
            state: what the publisher is to the stream.
            now: seconds on the monotonic clock.
        """
        measure = self._measure
        size = 0
        found: list[TooMuch | None] = []
        for frame in frames:
            size += len(frame.body)
            if frame.config or frame.keyframe:
                found.append(self._look(frame))
        found.append(measure.receive(size, now))
        return self._judge(found, state)

    def reconsider(self, configs: Sequence[Frame], state: PublisherState) -> str:
        """As `refuses()`, of what the publisher has sent before, by what holds now.

        Args:
            configs: its metadata and configurations.
            state: what it is to the stream.
        """
        self._measure.refresh()
        return self._judge([self._look(frame) for frame in configs], state)

    def _judge(self, found: Sequence[TooMuch | None], state: PublisherState) -> str:
        for too_much in found:
            if too_much is None:
                continue
            action = self._measure.policy.excess or Excess.CUT
            is_start = state not in (PublisherState.ON_AIR, PublisherState.LINK)
            self._tell(too_much, action)
            if action is Excess.CUT or (action is Excess.REFUSE and is_start):
                return too_much.reason
        return ""

    def _look(self, frame: Frame) -> TooMuch | None:
        """What a configuration, metadata or keyframe says of what is to come."""
        policy = self._measure.policy
        try:
            if frame.kind is Kind.DATA:
                values = parse_metadata(frame.body)
                rates = [value for name in RATES if isinstance(value := values.get(name), float)]
                return self._measure.announce(sum(rates))
            if frame.kind is Kind.VIDEO and (policy.max_width or policy.max_height):
                info = describe(frame)
                if info.width is not None:
                    return self._measure.picture(info.width, info.height)
        except MediaError:  # whoever reads it for the stream says so
            pass
        return None

    def _tell(self, too_much: TooMuch, action: Excess) -> None:
        session, stream = self._session, self._permit.stream
        limit, reason = str(too_much.limit), too_much.reason
        log.warning(
            "publish.excess",
            id=session.connection_id,
            stream=stream,
            limit=limit,
            action=str(action),
            reason=reason,
        )
        session.tell(NoticeKind.LIMIT, stream, reason=reason, limit=limit, action=str(action))
