"""Keeping inputs: few and small ones that together reach what all of them reach.

libFuzzer chooses them: those that every place in the code needs, then those that pass a place
another number of times. What is more than the repository should carry is left out, the
largest of the second kind first.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from fuzz.rounds import FLAGS, run_child, write_seeds
from fuzz.targets import CORPUS

MAX_FILES, MAX_BYTES = 150, 300_000  # of one target


def minimize(name: str, folder: Path) -> str:
    """Choose a target's corpus anew out of itself, the seeds and what was found; say how.

    Args:
        name: the target's.
        folder: where it was found.
    """
    kept, new = CORPUS / name, folder / "new" / name
    for path in (new, kept):
        path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        seeds = Path(temporary, "seeds")
        seeds.mkdir()
        write_seeds(name, seeds)
        sources = (kept, new, seeds)
        needed = _cover(name, Path(temporary, "needed"), sources, "-use_counters=0")
        more = _cover(name, Path(temporary, "more"), sources)
        chosen = _fitting([*needed, *more])
        # What was found once is kept whatever it covers.
        found = [path for path in kept.iterdir() if path.name.startswith("crash-")]
        for path in found:
            shutil.copyfile(path, Path(temporary, path.name))
        shutil.rmtree(kept)
        kept.mkdir()
        for path in [*chosen.values(), *(Path(temporary, path.name) for path in found)]:
            shutil.copyfile(path, kept / path.name)
    size = sum(path.stat().st_size for path in kept.iterdir())
    return f"{name:13} {len(list(kept.iterdir())):4} files, {size} bytes"


def _cover(name: str, folder: Path, sources: tuple[Path, ...], *flags: str) -> list[Path]:
    """Have libFuzzer choose; the smallest first."""
    folder.mkdir()
    run_child(name, *FLAGS, "-set_cover_merge=1", *flags, str(folder), *map(str, sources))
    return sorted(folder.iterdir(), key=lambda path: path.stat().st_size)


def _fitting(files: list[Path]) -> dict[str, Path]:
    fitting: dict[str, Path] = {}
    size = 0
    for path in files:
        if path.name in fitting:
            continue
        size += path.stat().st_size
        if len(fitting) == MAX_FILES or size > MAX_BYTES:
            break
        fitting[path.name] = path
    return fitting
