"""One input given to its target, without atheris: `python -m fuzz.replay TARGET FILE...`"""

from __future__ import annotations

import sys
from pathlib import Path

from fuzz.targets import load


def main() -> None:
    """Replay files; what they break is raised."""
    name, *paths = sys.argv[1:]
    for path in paths:
        load(name).run(Path(path).read_bytes())


if __name__ == "__main__":
    main()
