"""Snapshots of all streams, for one worker: made in a stream's home, passed on by all others.

So a keyframe is decoded once for the whole server. What other workers' streams look like is
asked of these, and kept here as well.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from slipstream.errors import SlipstreamError
from slipstream.http.snapshots import NoPictureError, NotNowError, Snapshot
from slipstream.hub import Hub, Stream
from slipstream.transcode.keyframe import keyframe_of
from slipstream.transcode.shelf import Prints, Shelf
from slipstream.transcode.snapshot_children import (
    CrowdedError,
    SnapshotChildren,
    UndecodableError,
)
from slipstream.workers.peers import Peers

log = structlog.get_logger()

QUESTION = "snapshot"
HOME_S = 12.0  # for the home's answer; a child's deadline and a little more
NOBODY = "nobody publishes this stream"

Answer = dict[str, Any]


class StreamSnapshots:
    """The `Snapshots` of one worker; `stop()` ends what is being made.

    Args:
        hub: of this worker.
        peers: the other workers.
    """

    def __init__(self, hub: Hub, peers: Peers) -> None:
        self._hub = hub
        self._peers = peers
        self._children = SnapshotChildren()
        self._shelf = Shelf(self._make)
        peers.answer_with(QUESTION, self._answer)

    async def get(self, stream: str, width: int) -> Snapshot:
        """Return the newest snapshot of a stream.

        Raises:
            NoPictureError: there is none.
            NotNowError: come again.
        """
        if self._here(stream) is None and not self._hub.directory.is_elsewhere(stream):
            raise NoPictureError(NOBODY)
        try:
            prints = await self._shelf.get(stream, [width])
        except (NoPictureError, NotNowError):
            raise
        except SlipstreamError as error:
            raise NotNowError(str(error)) from error
        return Snapshot(prints.jpegs[width], f"{prints.digest}-{width}")

    async def stop(self) -> None:
        """End all that is being made, and all children."""
        await self._shelf.stop()
        await self._children.stop()

    def _here(self, name: str) -> Stream | None:
        stream = self._hub.streams.get(name)
        return None if stream is None or stream.on_air is None else stream

    async def _make(self, name: str, widths: Sequence[int], have: Prints) -> Prints:
        stream = self._here(name)
        if stream is not None:
            return await self._develop(stream, widths, have)
        return await self._fetch(name, widths, have)

    async def _develop(self, stream: Stream, widths: Sequence[int], have: Prints) -> Prints:
        """Decode the newest keyframe, unless that has been done."""
        keyframe = keyframe_of(stream.newest_start())
        if keyframe is None:
            if stream.notes.audio_only:
                raise NoPictureError("the stream has no picture")
            raise NotNowError("there is no keyframe yet")
        digest = keyframe.digest
        if digest == have.digest and have.settles(widths):
            return have
        try:
            jpegs = await self._children.decode(keyframe, widths)
        except UndecodableError as error:
            log.warning("snapshot.failed", stream=stream.name, reason=str(error))
            failure = NotNowError(f"the newest keyframe cannot be decoded: {error}")
            return Prints(digest, failure=failure)
        except CrowdedError:
            raise
        except SlipstreamError as error:
            log.warning("snapshot.failed", stream=stream.name, reason=str(error))
            raise
        return Prints(digest, dict(zip(widths, jpegs, strict=True)))

    async def _fetch(self, name: str, widths: Sequence[int], have: Prints) -> Prints:
        """Ask the stream's home."""
        known = have.digest if have.failure is None and have.settles(widths) else ""
        loop = asyncio.get_running_loop()
        until = loop.time() + HOME_S
        while self._hub.directory.is_elsewhere(name) and loop.time() < until:
            # No answer comes for a second when it is still being made; the next question
            # waits for the same.
            answer: Answer | None = await self._peers.ask_home(
                name, QUESTION, name=name, widths=widths, known=known
            )
            if answer is not None:
                return _prints(answer, have)
        if self._hub.directory.is_elsewhere(name):
            raise NotNowError("the stream's worker does not answer")
        raise NotNowError("the stream's publisher has gone or moved")

    async def _answer(self, name: str, widths: Sequence[int], known: str) -> Answer:
        """Answer another worker."""
        if self._here(name) is None:
            return {"none": NOBODY}
        try:
            prints = await self._shelf.get(name, widths)
        except NoPictureError as error:
            return {"none": str(error)}
        except SlipstreamError as error:
            return {"not_now": str(error)}
        if prints.digest == known:
            return {"digest": known}
        jpegs = {str(width): b64encode(prints.jpegs[width]).decode() for width in widths}
        return {"digest": prints.digest, "jpegs": jpegs}


def _prints(answer: Mapping[str, Any], have: Prints) -> Prints:
    """What a home has answered, as it was there."""
    if "none" in answer:
        raise NoPictureError(answer["none"])
    if "not_now" in answer:
        raise NotNowError(answer["not_now"])
    if "jpegs" not in answer:
        return have
    jpegs = {int(width): b64decode(jpeg) for width, jpeg in answer["jpegs"].items()}
    return Prints(answer["digest"], jpegs)
