"""Builds workers out of their parts, and runs them."""

from slipstream.app.running import WorkerStart, demonstrate, serve, work
from slipstream.app.worker import Worker

__all__ = ["Worker", "WorkerStart", "demonstrate", "serve", "work"]
