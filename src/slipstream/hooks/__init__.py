"""Tells others what happens, asks them who may, and runs programs on events."""

from slipstream.hooks.hooks import COMMAND_RESULTS, EVENT_RESULTS, Hooks
from slipstream.hooks.settings import HookSettings

__all__ = ["COMMAND_RESULTS", "EVENT_RESULTS", "HookSettings", "Hooks"]
