"""What one message costs in parse_tag and in the timeline.

Bodies as publishers send them most: pictures of 1.6 KB and sounds of 300 bytes, each alone;
then a stream of both through the timeline, four frames to a batch, as four messages to a read
give them. A publisher of 1 Mbit/s sends 77 a second.

Run: python bench/micro/tag.py
"""

from __future__ import annotations

from timeit import repeat

from slipstream.media.frame import Codec, Frame, Kind
from slipstream.media.tag import parse_any_tag, parse_tag
from slipstream.media.timeline import Timeline

ROUNDS = 20_000
PASSES = 7
BATCH = 4
PICTURE, SOUND = bytes(1_600), bytes(300)

BODIES = {
    "H.264 key": (9, "1701000000 00000641 65"),
    "H.264, referred to": (9, "2701000028 00000641 41"),
    "H.264, disposable": (9, "2701000028 00000641 01"),
    "H.264, disposable behind a delimiter": (9, "2701000028 00000002 09f0 00000641 01"),
    "H.265, referred to": (9, "a168766331 000028 00000641 02"),
    "AV1": (9, "a161763031 1200 32"),
    "AAC": (8, "af01"),
    "Opus": (8, "914f707573"),
    "H.265 in a second track": (9, "a601 68766331 01 000028 00000641 02"),
}


def nanoseconds(statement: str, names: dict[str, object], count: int = 1) -> float:
    """The best of some passes, for one of `count` things that the statement does."""
    return (
        min(repeat(statement, globals=names, number=ROUNDS, repeat=PASSES)) / ROUNDS / count * 1e9
    )


def stream(start_ms: int) -> list[Frame]:
    """Ten seconds of 30 pictures and 30 sounds a second."""
    frames = []
    for ms in range(start_ms, start_ms + 10_000, 33):
        frames.append(Frame(Kind.VIDEO, Codec.H264, ms, 0, False, False, False, 0, PICTURE))
        frames.append(Frame(Kind.AUDIO, Codec.AAC, ms + 10, 0, False, False, False, 0, SOUND))
    return frames


def steady(batches: list[list[Frame]]) -> None:
    """Send batches through a new timeline."""
    timeline = Timeline()
    for batch in batches:
        timeline.steady(batch)


def timeline_nanoseconds(start_ms: int) -> float:
    """For one frame of a stream that begins at `start_ms`."""
    frames = stream(start_ms)
    batches = [frames[i : i + BATCH] for i in range(0, len(frames), BATCH)]
    names = {"steady": steady, "batches": batches}
    seconds = min(repeat("steady(batches)", globals=names, number=30, repeat=PASSES))
    return seconds / 30 / len(frames) * 1e9


def main() -> None:
    """Print a table."""
    print(f"{'parse_tag, ns for one message':40} {'tables':>8} {'without':>8}")
    for name, (type_id, head) in BODIES.items():
        body = bytes.fromhex(head) + (SOUND if type_id == 8 else PICTURE)
        names = {"type_id": type_id, "body": body, "tables": parse_tag, "plain": parse_any_tag}
        tables = nanoseconds("tables(type_id, 40, body)", names)
        plain = nanoseconds("plain(type_id, 40, body)", names)
        print(f"{name:40} {tables:8.0f} {plain:8.0f}")
    print(f"\n{'Timeline, ns for one frame':40}")
    print(f"{'times as they should be':40} {timeline_nanoseconds(0):8.0f}")
    print(f"{'times that need rebasing':40} {timeline_nanoseconds(5_000_000):8.0f}")


if __name__ == "__main__":
    main()
