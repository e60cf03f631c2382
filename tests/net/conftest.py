"""One stage for each test of the pump and its cursors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.net.stage import Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()
