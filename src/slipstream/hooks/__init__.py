"""Tells others what happens, asks them who may, and runs programs on events."""

from slipstream.hooks.hooks import Hooks
from slipstream.hooks.settings import HookSettings

__all__ = ["HookSettings", "Hooks"]
