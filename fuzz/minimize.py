"""Keeping inputs: the smallest ones that together reach all that is reached.

libFuzzer chooses them; what is more than the repository should carry is left out, the largest
first.
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
    new.mkdir(parents=True, exist_ok=True)
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        chosen, seeds = Path(temporary) / "chosen", Path(temporary) / "seeds"
        chosen.mkdir()
        seeds.mkdir()
        write_seeds(name, seeds)
        # Counters would keep an input for each number of times that a loop is run.
        flags = (*FLAGS, "-set_cover_merge=1", "-use_counters=0")
        run_child(name, *flags, str(chosen), str(kept), str(new), str(seeds))
        files = sorted(chosen.iterdir(), key=lambda path: path.stat().st_size)
        fitting = _fitting(files)
        shutil.rmtree(kept)
        kept.mkdir()
        for path in fitting:
            shutil.copyfile(path, kept / path.name)
    size = sum(path.stat().st_size for path in kept.iterdir())
    return f"{name:10} {len(fitting):4} of {len(files)} files, {size} bytes"


def _fitting(files: list[Path]) -> list[Path]:
    fitting, size = [], 0
    for path in files[:MAX_FILES]:
        size += path.stat().st_size
        if size > MAX_BYTES:
            break
        fitting.append(path)
    return fitting
