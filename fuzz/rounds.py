"""Running targets: each in child processes, round after round, until it has had enough.

A round ends after five minutes at the latest, so that results are told while others are still
to come, and that what a target holds on to does not pile up. What libFuzzer prints is read for
its figures.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path

from fuzz.seeds import ROOT, SEEDS
from fuzz.targets import CORPUS, VARIABLE

ROUND_S = 300
INPUT_TIMEOUT_S = 10  # one input; far beyond what any may take, on a busy machine too
MEMORY_MB = 512  # of the whole process, grown by what it holds on to
FLAGS = (
    f"-timeout={INPUT_TIMEOUT_S}",
    f"-rss_limit_mb={MEMORY_MB}",
    "-print_final_stats=1",
)

_STATE = re.compile(r"^#\d+\t\w+ +cov: (\d+) ft: (\d+)", re.MULTILINE)
_INPUTS = re.compile(r"^stat::number_of_executed_units: +(\d+)", re.MULTILINE)
_MEMORY = re.compile(r"^stat::peak_rss_mb: +(\d+)", re.MULTILINE)
_SLOWEST = re.compile(r"^stat::slowest_unit_time_sec: +(\d+)", re.MULTILINE)


@dataclass(slots=True)
class Result:
    """What came of fuzzing one target so far."""

    name: str
    inputs: int = 0
    seconds: float = 0
    coverage: int = 0
    """Places in the code that any input has reached."""
    features: int = 0
    """These, and how often in one input."""
    new_files: int = 0
    """Inputs that reached something new."""
    peak_mb: int = 0
    slowest_s: int = 0
    findings: list[str] = field(default_factory=list)
    """Files with inputs that broke the contract."""


@dataclass(frozen=True, slots=True)
class Amount:
    """When a target has had enough."""

    seconds: float
    inputs: int = 0

    def seconds_left(self, result: Result) -> float:
        """How long to go on, as far as one can tell."""
        left = self.seconds - result.seconds
        if result.inputs < self.inputs:
            rate = result.inputs / result.seconds if result.inputs else 1000
            left = max(left, 1.02 * (self.inputs - result.inputs) / rate)
        return left


def run_target(result: Result, amount: Amount, folder: Path) -> Iterator[None]:
    """Fuzz one target; yield after each round. Ends early when something is found.

    Args:
        result: what is added to.
        amount: how much.
        folder: for new inputs and findings.
    """
    new, seeds, found = (folder / kind / result.name for kind in ("new", "seeds", "findings"))
    for path in (new, seeds, found):
        path.mkdir(parents=True, exist_ok=True)
    write_seeds(result.name, seeds)
    (CORPUS / result.name).mkdir(parents=True, exist_ok=True)
    while not result.findings and (left := amount.seconds_left(result)) > 0:
        flags = (
            *FLAGS,
            f"-max_total_time={max(1, round(min(left, ROUND_S)))}",
            f"-artifact_prefix={found}/",
        )
        began = time.monotonic()
        output = run_child(result.name, *flags, str(new), str(CORPUS / result.name), str(seeds))
        result.seconds += time.monotonic() - began
        (folder / f"{result.name}.log").write_text(output)
        _read(output, result)
        result.new_files = len(list(new.iterdir()))
        result.findings = sorted(str(path.relative_to(folder)) for path in found.iterdir())
        yield


def run_child(name: str, *arguments: str) -> str:
    """Run a target's process to its end; what it printed.

    Raises:
        SystemExit: it did not even begin.
    """
    command = [sys.executable, str(ROOT / "fuzz" / "child.py"), *arguments]
    environment = {
        **os.environ,
        VARIABLE: name,
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
    }
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=environment
    )
    if "INFO: Seed: " not in done.stderr and "MERGE-OUTER" not in done.stderr:
        raise SystemExit(f"{' '.join(command)} did not begin:\n{done.stderr[-2000:]}")
    return done.stdout + done.stderr


def write_seeds(name: str, folder: Path) -> None:
    """Write a target's seeds, each as a file named after what is in it."""
    for data in SEEDS[name]():
        (folder / sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def _read(output: str, result: Result) -> None:
    states = _STATE.findall(output)
    if states:
        coverage, features = map(int, states[-1])
        result.coverage = max(result.coverage, coverage)
        result.features = max(result.features, features)
    result.inputs += _last(_INPUTS, output)
    result.peak_mb = max(result.peak_mb, _last(_MEMORY, output))
    result.slowest_s = max(result.slowest_s, _last(_SLOWEST, output))


def _last(pattern: re.Pattern[str], output: str) -> int:
    found = pattern.findall(output)
    return int(found[-1]) if found else 0
