"""A folder for the films of all tests of formats."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the films of these tests are."""
    return tmp_path_factory.mktemp("films")
