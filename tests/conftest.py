"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine makes examples slow, and no test is about time.
settings.register_profile("slipstream", deadline=None)
settings.load_profile("slipstream")
