"""A font of 5 by 7 dots, for the clock of the test picture.

FFmpeg as PyAV carries it draws no text, and a font file for twenty letters would be too much.
In: text. Out: for each of the seven rows, which dots are lit.
"""

from __future__ import annotations

ROWS = 7
ADVANCE = 6  # dots from one letter to the next: five and a gap

# One digit pair per row, top row first; of each, the lower five bits are the dots.
_GLYPHS = {
    letter: bytes.fromhex(rows)
    for letter, rows in {
        " ": "00000000000000",
        "-": "0000001f000000",
        ".": "00000000000c0c",
        ":": "000c0c000c0c00",
        "0": "0e11131519110e",
        "1": "040c040404040e",
        "2": "0e11010204081f",
        "3": "1f02040201110e",
        "4": "02060a121f0202",
        "5": "1f101e0101110e",
        "6": "0608101e11110e",
        "7": "1f010204080808",
        "8": "0e11110e11110e",
        "9": "0e11110f01020c",
        "A": "0e11111f111111",
        "E": "1f10101e10101f",
        "F": "1f10101e101010",
        "I": "0e04040404040e",
        "L": "1010101010101f",
        "M": "111b1515111111",
        "P": "1e11111e101010",
        "R": "1e11111e141211",
        "S": "0f10100e01011e",
        "T": "1f040404040404",
    }.items()
}
_WIDEST = 0x10  # the leftmost of the five dots


def dots(text: str) -> list[list[bool]]:
    """Return seven rows of `ADVANCE * len(text)` dots.

    Raises:
        KeyError: a letter that nothing here has needed yet.
    """
    glyphs = [_GLYPHS[letter] for letter in text]
    return [
        [bool(glyph[row] & _WIDEST >> column) for glyph in glyphs for column in range(ADVANCE)]
        for row in range(ROWS)
    ]
