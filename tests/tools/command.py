"""The command `slipstream` as a user runs it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slipstream.cli import main
from tests.server import PATIENCE_S, wait_until


class Command:
    """A context manager: runs `slipstream ARGUMENTS`; whatever still runs at its end is killed.

    Args:
        arguments: of the command.
        folder: where its output is kept while it runs.
    """

    def __init__(self, *arguments: str, folder: Path) -> None:
        self._output = folder / f"{arguments[0]}.out"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "slipstream", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def text(self) -> str:
        """All that it has said so far."""
        return self._output.read_text()

    def wait_for(self, words: str) -> None:
        """Wait until it has said so."""

        def said() -> bool:
            assert words in self.text() or self.process.poll() is None, self.text()
            return words in self.text()

        wait_until(said, f"to say {words!r}")

    def interrupt(self) -> int:
        """Press Ctrl-C; return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S)

    def wait(self) -> int:
        """Wait for its end; return the exit code."""
        return self.process.wait(PATIENCE_S)


def run_here(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """The exit code of a command that ends by itself, run in this process, and what it says."""
    code = main(arguments)
    output, errors = capsys.readouterr()
    return code, (output + errors).splitlines()


def children_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes that a process has started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(number) for number in children.read_text().split()]
