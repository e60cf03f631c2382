"""What `deploy/` holds: read by the programs that will use it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.interop

DEPLOY = Path(__file__).parents[2] / "deploy"


def run(*command: str | Path) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_the_dockerfile_has_nothing_that_its_linter_knows_better() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    assert run(hadolint, DEPLOY / "Dockerfile") == (0, "")


def test_the_unit_is_understood_by_systemd(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd on this machine")
    unit = tmp_path / "slipstream.service"
    program = Path(sys.executable).with_name("slipstream")
    text = (DEPLOY / "slipstream.service").read_text()
    unit.write_text(text.replace("/opt/slipstream/bin/slipstream", str(program)))
    assert run("systemd-analyze", "verify", unit) == (0, "")
