"""A font of 5 by 7 dots, for the clock of the test picture and the words on a card.

FFmpeg as PyAV carries it draws no text, and a font file for so few letters would be too much.
In: text, in capitals. Out: for each of the seven rows, which dots are lit. Letters with marks
(É, Ü, Ç) are made of the letter, lower by two rows, and the mark.
"""

from __future__ import annotations

import unicodedata

ROWS = 7
ADVANCE = 6  # dots from one letter to the next: five and a gap

# One digit pair per row, top row first; of each, the lower five bits are the dots.
_GLYPHS = {
    letter: bytes.fromhex(rows)
    for letter, rows in {
        " ": "00000000000000",
        "!": "04040404040004",
        '"': "0a0a0a00000000",
        "#": "0a0a1f0a1f0a0a",
        "%": "18190204081303",
        "&": "0c12140815120d",
        "'": "0c040800000000",
        "(": "02040808080402",
        ")": "08040202020408",
        "*": "0004150e150400",
        "+": "0004041f040400",
        ",": "000000000c0408",
        "-": "0000001f000000",
        ".": "00000000000c0c",
        "/": "00010204081000",
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
        ":": "000c0c000c0c00",
        ";": "000c0c000c0408",
        "=": "00001f001f0000",
        "?": "0e110102040004",
        "@": "0e11010d15150e",
        "A": "0e11111f111111",
        "B": "1e11111e11111e",
        "C": "0e11101010110e",
        "D": "1e11111111111e",
        "E": "1f10101e10101f",
        "F": "1f10101e101010",
        "G": "0e11101711110f",
        "H": "1111111f111111",
        "I": "0e04040404040e",
        "J": "0702020202120c",
        "K": "11121418141211",
        "L": "1010101010101f",
        "M": "111b1515111111",
        "N": "11111915131111",
        "O": "0e11111111110e",
        "P": "1e11111e101010",
        "Q": "0e11111115120d",
        "R": "1e11111e141211",
        "S": "0f10100e01011e",
        "T": "1f040404040404",
        "U": "1111111111110e",
        "V": "11111111110a04",
        "W": "11111115151b11",
        "X": "11110a040a1111",
        "Y": "1111110a040404",
        "Z": "1f01020408101f",
        "_": "0000000000001f",
        "Æ": "0f14141f141417",
        "Ø": "0e13131519190e",
        "Ł": "080a0c1808080f",
    }.items()
}
_WIDEST = 0x10  # the leftmost of the five dots
_SQUEEZED = (0, 2, 3, 4, 6)  # the rows of a letter that are left where a mark takes two

_ABOVE = {  # by the names of Unicode's combining marks
    "\N{COMBINING GRAVE ACCENT}": b"\x08\x04",
    "\N{COMBINING ACUTE ACCENT}": b"\x02\x04",
    "\N{COMBINING CIRCUMFLEX ACCENT}": b"\x04\x0a",
    "\N{COMBINING TILDE}": b"\x0d\x16",
    "\N{COMBINING MACRON}": b"\x0e\x00",
    "\N{COMBINING BREVE}": b"\x11\x0e",
    "\N{COMBINING DOT ABOVE}": b"\x04\x00",
    "\N{COMBINING DIAERESIS}": b"\x0a\x00",
    "\N{COMBINING RING ABOVE}": b"\x0e\x0a",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": b"\x05\x0a",
    "\N{COMBINING CARON}": b"\x0a\x04",
}
_BELOW = {
    "\N{COMBINING CEDILLA}": b"\x04\x0c",
    "\N{COMBINING OGONEK}": b"\x02\x03",
}


def dots(text: str) -> list[list[bool]]:
    """Return seven rows of `ADVANCE * len(text)` dots.

    Raises:
        KeyError: a letter that is not in the font.
    """
    glyphs = [_glyph(letter) for letter in unicodedata.normalize("NFC", text)]
    return [
        [bool(glyph[row] & _WIDEST >> column) for glyph in glyphs for column in range(ADVANCE)]
        for row in range(ROWS)
    ]


def missing_letters(text: str) -> list[str]:
    """Return the letters of a text that are not in the font, each once."""
    missing = []
    for letter in dict.fromkeys(unicodedata.normalize("NFC", text)):
        try:
            _glyph(letter)
        except KeyError:
            missing.append(letter)
    return missing


def _glyph(letter: str) -> bytes:
    if letter in _GLYPHS:
        return _GLYPHS[letter]
    base, mark = _parts(letter)
    squeezed = bytes(_GLYPHS[base][row] for row in _SQUEEZED)
    return _ABOVE[mark] + squeezed if mark in _ABOVE else squeezed + _BELOW[mark]


def _parts(letter: str) -> tuple[str, str]:
    """A letter and its one mark."""
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) != 2:
        raise KeyError(letter)
    return parts[0], parts[1]
