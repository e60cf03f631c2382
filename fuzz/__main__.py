"""The command line: `python -m fuzz [TARGET...] --seconds N --inputs N --jobs N`, or `--minimize`.

A table goes to the terminal, all figures to `results.json` in the folder given by `--out`,
where new inputs and findings are, too. A second call goes on where the first one ended.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from fuzz.minimize import minimize
from fuzz.rounds import Amount, Result, run_target
from fuzz.targets import CORPUS, NAMES

HEAD = f"{'target':10} {'inputs':>10} {'seconds':>8} {'per s':>7} {'edges':>6} {'features':>8}"
HEAD += f" {'new':>6} {'MB':>4} findings"


def main() -> None:
    """Fuzz or minimize what the command line asks for."""
    arguments = _parser().parse_args()
    names = arguments.targets or NAMES
    folder = Path(arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.minimize:
        for name in names:
            print(minimize(name, folder), flush=True)
        return
    results = Results(folder / "results.json")
    amount = Amount(arguments.seconds, arguments.inputs)
    print(HEAD, flush=True)

    def run(name: str) -> None:
        result = results.of(name)
        result.findings = []  # looked for anew
        for _ in run_target(result, amount, folder):
            results.write()
        print(_row(result), flush=True)

    with ThreadPoolExecutor(arguments.jobs) as jobs:
        list(jobs.map(run, names))
    found = [file for name in names for file in results.of(name).findings]
    total = sum(results.of(name).inputs for name in names)
    print(f"{total} inputs, {len(found)} findings", *found, sep="\n  ")
    sys.exit(bool(found))


class Results:
    """The results of all targets, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = json.loads(path.read_text()) if path.exists() else []
        self._results = {row["name"]: Result(**row) for row in kept}

    def of(self, name: str) -> Result:
        """One target's, to be added to."""
        return self._results.setdefault(name, Result(name))

    def write(self) -> None:
        """Write the file."""
        rows = [asdict(self._results[name]) for name in NAMES if name in self._results]
        self._path.write_text(json.dumps(rows, indent=1) + "\n")


def _row(result: Result) -> str:
    rate = result.inputs / result.seconds if result.seconds else 0
    return (
        f"{result.name:10} {result.inputs:10} {result.seconds:8.0f} {rate:7.0f} "
        f"{result.coverage:6} {result.features:8} {result.new_files:6} {result.peak_mb:4} "
        f"{' '.join(result.findings) or '-'}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz",
        description="Coverage-guided fuzzing of every parser; needs the extra 'fuzz'.",
        epilog=f"Targets: {', '.join(NAMES)}. See docs/measurements/fuzzing.md.",
    )
    add = parser.add_argument
    add("targets", nargs="*", choices=[*NAMES, []], metavar="TARGET")
    add("--seconds", type=float, default=60, help="for each target, at least (default 60)")
    add("--inputs", type=int, default=0, help="for each target, at least (default 0)")
    add("--jobs", type=int, default=1, help="targets at the same time (default 1)")
    add("--minimize", action="store_true", help=f"put what was found into {CORPUS.name}/, small")
    add("--out", default=".fuzz", help="folder for new inputs, findings and results")
    return parser


if __name__ == "__main__":
    main()
