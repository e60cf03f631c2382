"""The card: a quiet picture with words on it, drawn at any size."""

from __future__ import annotations

import textwrap
import unicodedata

from slipstream.transcode.canvas import BACKGROUND, BARS, TEXT, Canvas
from slipstream.transcode.font import ADVANCE, ROWS

TYPED = str.maketrans(  # what word processors make of the keys, back to the keys
    {
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{HORIZONTAL ELLIPSIS}": "...",
    }
)
LINE_ROWS = ROWS + 4  # from one line of words to the next, in dots of the font
WIDEST, HIGHEST = 0.8, 0.4  # of the picture that words may take
TALLEST = 0.1  # of the picture's height that a letter may take
STRIP = 1 / 60  # of its height, for the colours below the words


def card_letters(text: str) -> str:
    """Return the text in the letters in which it is drawn."""
    return unicodedata.normalize("NFC", text.translate(TYPED).upper())


def draw_card(canvas: Canvas, text: str) -> None:
    """Draw the card over everything.

    Raises:
        KeyError: a letter that the font does not have.
    """
    canvas.fill(0, 0, canvas.width, canvas.height, BACKGROUND)
    lines, scale = _set_lines(canvas.width, canvas.height, card_letters(text))
    y = max((canvas.height - len(lines) * LINE_ROWS * scale) // 2, 0)
    for line in lines:
        if y + ROWS * scale > canvas.height:
            break  # a thumbnail has no room for more
        x = (canvas.width - (len(line) * ADVANCE - 1) * scale) // 2
        canvas.write(x, y, scale, line, TEXT, BACKGROUND.luma)
        y += LINE_ROWS * scale
    _draw_strip(canvas)


def _set_lines(width: int, height: int, text: str) -> tuple[list[str], int]:
    """Break the text so that it can be as large as there is room for; return lines and scale."""
    best: tuple[list[str], int] = ([], 0)
    for columns in range(len(text), 0, -1):
        lines = textwrap.wrap(text, columns, break_long_words=False)
        if not lines:
            break
        longest = max(map(len, lines))
        scale = min(
            int(width * WIDEST / (longest * ADVANCE)),
            int(height * HIGHEST / (len(lines) * LINE_ROWS)),
            max(int(height * TALLEST / ROWS), 1),
        )
        is_more_even = scale == best[1] and len(lines) == len(best[0])
        if scale > best[1] or (scale and is_more_even):
            best = lines, scale
    if best[1]:
        return best
    letters = max(width // ADVANCE, 1)
    return textwrap.wrap(text, letters), 1


def _draw_strip(canvas: Canvas) -> None:
    height = max(int(canvas.height * STRIP) // 2 * 2, 2)
    y = (canvas.height * 4 // 5) // 2 * 2
    left = canvas.width // 4
    edges = [(left + canvas.width * n // (2 * len(BARS))) // 2 * 2 for n in range(len(BARS) + 1)]
    for colour, start, end in zip(BARS, edges, edges[1:], strict=False):
        canvas.fill(start, y, end - start, height, colour)
