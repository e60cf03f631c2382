"""The page that is committed is the page that its sources make."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"
BUILD_S = 300.0  # packages are fetched
NODE = (20, 19)  # the oldest that the build tools know


def node_version() -> tuple[int, ...]:
    """Of Node.js here; empty if it is not there."""
    if not (shutil.which("node") and shutil.which("npm")):
        return ()
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, said.strip().lstrip("v").split(".")))


@pytest.mark.interop
def test_it_equals_a_fresh_build() -> None:
    version = node_version()
    if version < NODE:
        pytest.skip(f"Node.js {version or 'is missing'}: {NODE} or newer and npm build the page")
    done = subprocess.run(
        [WEB / "check"], capture_output=True, text=True, timeout=BUILD_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_packages_may_come_from_any_registry() -> None:
    assert '"resolved"' not in (WEB / "package-lock.json").read_text()
    assert "omit-lockfile-registry-resolved=true" in (WEB / ".npmrc").read_text()
