"""What a fragment of MP4 costs, by what is in it: five pictures or sounds make a part of LL-HLS.

Pictures of 1.6 KB and sounds of 300 bytes, as a publisher of 1 Mbit/s sends them.

Run: python bench/micro/mp4.py
"""

from __future__ import annotations

from timeit import repeat

from slipstream.media import Run, Sample, build_fragment

ROUNDS = 10_000
PASSES = 11
DECODE_TIME = 1 << 40

OFFSETS = (0, 7_200, 3_600, -3_600, 0)  # in 1/90000 s, as B-frames have them
PICTURES = [Sample(bytes(1_600 + i), 3_600, 0, i == 0) for i in range(5)]
REORDERED = [
    picture._replace(offset=offset) for picture, offset in zip(PICTURES, OFFSETS, strict=True)
]
SOUNDS = [Sample(bytes(300 + i), 1_024, 0, True) for i in range(5)]

FRAGMENTS = {
    "one sound": [Run(1, DECODE_TIME, SOUNDS[:1])],
    "5 sounds": [Run(1, DECODE_TIME, SOUNDS)],
    "5 pictures": [Run(1, DECODE_TIME, PICTURES)],
    "5 pictures out of order": [Run(1, DECODE_TIME, REORDERED)],
    "5 pictures and 5 sounds": [Run(1, DECODE_TIME, PICTURES), Run(2, DECODE_TIME, SOUNDS)],
    "50 pictures out of order": [Run(1, DECODE_TIME, REORDERED * 10)],
}


def main() -> None:
    """Print a table."""
    print(f"{'build_fragment, µs for one fragment':36}")
    for name, runs in FRAGMENTS.items():
        names = {"build": build_fragment, "runs": runs}
        seconds = min(repeat("build(7, runs)", globals=names, number=ROUNDS, repeat=PASSES))
        print(f"{name:36} {seconds / ROUNDS * 1e6:6.1f}")


if __name__ == "__main__":
    main()
