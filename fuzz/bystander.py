"""Somebody who uses the server while others attack it: `python -m fuzz.bystander PUBLISH PLAY`.

Publishes a picture and a sound 25 times a second and plays them, message by message, until its
standard input ends. It says when it has begun, and in the end what it saw. In a process of its
own, so that it notices the server's pauses and not those of the attackers.
"""

from __future__ import annotations

import json
import select
import sys
import time
from collections.abc import Iterator

from slipstream.media import Frame
from tests.behaviour.pictures import CONFIGS, PICTURE_MS, bodies, gop
from tests.rtmp_client import RtmpClient


def main() -> None:
    """Use the server that the command line names."""
    publish_url, play_url = sys.argv[1:]
    worst_gap_s, overslept_s, seen, failure = 0.0, 0.0, 0, ""
    try:
        for gap_s, late_s, messages in watch(publish_url, play_url):
            if not seen:
                print("watching", flush=True)
            worst_gap_s, overslept_s = max(worst_gap_s, gap_s), max(overslept_s, late_s)
            seen += messages
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    saw = {
        "messages": seen,
        "worst_gap_s": worst_gap_s,
        "overslept_s": overslept_s,
        "failure": failure,
    }
    print(json.dumps(saw), flush=True)


def watch(publish_url: str, play_url: str) -> Iterator[tuple[float, float, int]]:
    """Publish and play.

    Yields seconds since the last messages came, seconds of them that the machine let this
    process sleep too long, and how many messages came.
    """
    with RtmpClient.playing(play_url) as player, RtmpClient.publishing(publish_url) as publisher:
        publisher.send(*CONFIGS)
        last, late_s = None, 0.0
        for frames in pictures():
            publisher.send(*frames)
            wanted = frames if last else [*CONFIGS, *frames]
            assert bodies(player.take(len(wanted))) == bodies(wanted), "other messages than sent"
            now = time.monotonic()
            yield now - last if last else 0.0, late_s, len(wanted)
            last = now
            if select.select([sys.stdin], [], [], PICTURE_MS / 1000)[0]:
                return
            late_s = time.monotonic() - now - PICTURE_MS / 1000


def pictures() -> Iterator[list[Frame]]:
    """A picture and a sound, each unlike all others, for ever."""
    start_ms = 0
    while True:
        frames = gop(start_ms, filling=500)
        for first in range(0, len(frames), 2):
            yield frames[first : first + 2]
        start_ms += len(frames) // 2 * PICTURE_MS


if __name__ == "__main__":
    main()
