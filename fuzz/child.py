"""One target under atheris, in a process of its own.

The target is named by the environment, since all arguments are libFuzzer's, which starts
this file again with its own when it merges. Only the project itself is instrumented (and the
standard library's TOML reader, without which a configuration file is never guessed): the
targets' own steps are not what is to be covered.
"""

from __future__ import annotations

import gc
import operator
import os
import sys
from collections.abc import Callable
from typing import Any

import atheris  # type: ignore[import-untyped]
from atheris.version_dependent import CMP_OP_SHIFT_AMOUNT  # type: ignore[import-untyped]

from fuzz.targets import NOT_COVERED, VARIABLE, load

INSTRUMENTED = ["slipstream", "tomllib"]
GARBAGE_EVERY = 50_000  # containers; what refers to itself is not freed before

# How often one place is reported in one input. A report takes 0.4 us, a place that is silent
# 0.06 us, and the loops of a parser pass a few places hundreds of times.
REPORTS = 4
PLACES = 1 << 16

_OPERATORS = (operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge)


def main() -> None:
    """Run until libFuzzer is done; it ends the process."""
    name = os.environ[VARIABLE]
    with atheris.instrument_imports(INSTRUMENTED, NOT_COVERED.get(name, ())):
        target = load(name)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_EVERY)
    program = f"{sys.executable} {__file__}"  # what libFuzzer gives to a shell when it merges
    arguments = sys.argv[1:]
    atheris.Setup([program, f"-max_len={target.MAX_BYTES}", *arguments], Runner(target.run))
    atheris.Fuzz()


class Runner:
    """Runs one input, and limits the reports from the first one on: Fuzz() sets up its own."""

    def __init__(self, run: Callable[[bytes], None]) -> None:
        self._run = run
        self._begin: Callable[[], None] | None = None

    def __call__(self, data: bytes) -> None:
        if self._begin is None:
            self._begin = report_less()
        self._begin()
        self._run(data)


def report_less() -> Callable[[], None]:
    """Put a limit before atheris's own functions; call what is returned before each input."""
    nothing = bytes(PLACES)
    reports = bytearray(nothing)
    report_branch, report_compare = atheris._trace_branch, atheris._trace_cmp
    compare = [_OPERATORS[(how >> CMP_OP_SHIFT_AMOUNT) % 6] for how in range(256)]

    def trace_branch(place: int) -> None:
        if reports[place] < REPORTS:
            reports[place] += 1
            report_branch(place)

    def trace_cmp(one: Any, other: Any, how: int, place: int, constant: bool) -> object:
        if reports[place] < REPORTS:
            reports[place] += 1
            return report_compare(one, other, how, place, constant)
        return compare[how](one, other)

    def begin() -> None:
        reports[:] = nothing

    atheris._trace_branch, atheris._trace_cmp = trace_branch, trace_cmp
    return begin


if __name__ == "__main__":
    main()
