"""The command line."""

from slipstream.cli.command import app, main

__all__ = ["app", "main"]
