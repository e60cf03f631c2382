"""What one worker tells another of its logs. Its bytes are a sibling's, but versions may differ."""

from __future__ import annotations

from array import array

from slipstream.workers.announcements import (
    EntriesAnnounced,
    GreetingAnnounced,
    MarkAnnounced,
    build_entries,
    build_greeting,
    build_mark,
    build_segment,
    has_sync,
    parse_announcement,
)

ALLOWED = (ValueError,)
MAX_BYTES = 512


def run(data: bytes) -> None:
    """Read a packet, and write it again."""
    try:
        told = parse_announcement(data)
    except ALLOWED:
        return
    if isinstance(told, EntriesAnnounced):
        batch = told.batch
        assert len(batch.sizes) == len(batch.times) == len(batch.flags) > 0
        has_sync(batch.flags)
        times = array("q", batch.times)
        built = build_entries(batch.sizes, times, batch.flags, more=told.more)
    elif isinstance(told, GreetingAnnounced):
        built = build_greeting(told.greeting)
    elif isinstance(told, MarkAnnounced):
        built = build_mark()
    else:
        built = build_segment(told.capacity, told.offset)
    assert parse_announcement(built) == told
