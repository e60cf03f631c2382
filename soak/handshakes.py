"""Handshakes: the same storm over RTMPS. To shake hands costs both ends about a millisecond."""

from __future__ import annotations

from . import storm
from .report import Report
from .settings import Settings


def run(settings: Settings) -> Report:
    """As `storm.run()`."""
    return storm.run(settings, encrypted=True)
