"""The built page: one HTML document for all addresses, and the assets it asks for.

Every name is known beforehand, so no address can lead to any other file. Assets have a hash of
their content in their names and may be kept for ever; the document may not.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from slipstream.errors import SlipstreamError
from slipstream.page.body import Body

BUILT = Path(__file__).with_name("built")
BASE = '<base href="./" />'  # in the document; replaced by the way to the root
BODY = "<body>"  # marked in the document for who may not watch
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


class Files:
    """What was built; read when it is first asked for.

    Args:
        folder: that holds it.
    """

    def __init__(self, folder: Path = BUILT) -> None:
        self.assets = sorted(file.name for file in (folder / "assets").iterdir())
        self._folder = folder
        self._bodies: dict[str | tuple[str, bool], Body] = {}

    def asset(self, name: str) -> Body:
        """One of `assets`."""
        body = self._bodies.get(name)
        if body is None:
            file = self._folder / "assets" / name
            body = self._bodies[name] = Body(file.read_bytes(), TYPES[file.suffix])
        return body

    @cached_property
    def licences(self) -> Body:
        """What the authors of the packages in it ask to be passed on."""
        return Body((self._folder / "licences.txt").read_bytes(), TYPES[".txt"])

    def document(self, up: str, *, refused: bool = False) -> Body:
        """The document.

        Args:
            up: leads from its address to the root: `../../`.
            refused: it says that one may not watch, and asks for nothing more.
        """
        body = self._bodies.get((up, refused))
        if body is None:
            html = self._html.replace(BASE, f'<base href="{up}" />')
            if refused:
                html = html.replace(BODY, "<body data-refused>")
            body = self._bodies[up, refused] = Body(html.encode(), "text/html; charset=utf-8")
        return body

    @cached_property
    def _html(self) -> str:
        html = (self._folder / "index.html").read_text(encoding="utf-8")
        for part in (BASE, BODY):
            if html.count(part) != 1:
                raise SlipstreamError(f"the page was not built as it should be: no {part}")
        return html
