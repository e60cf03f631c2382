"""Configuration files: any bytes become a configuration or a list of mistakes, a line each."""

from __future__ import annotations

import os
from pathlib import Path

from slipstream.control.configuration.config import load_config
from slipstream.control.configuration.mistakes import ConfigError

ALLOWED = (ConfigError,)
MAX_BYTES = 1024

_file = os.memfd_create("configuration")
_path = Path(f"/proc/self/fd/{_file}")


def run(data: bytes) -> None:
    """Load the bytes as a file; use what came out."""
    os.ftruncate(_file, 0)
    os.pwrite(_file, data, 0)
    try:
        config = load_config(_path)
    except ALLOWED as error:
        assert error.mistakes
        assert len(str(error).splitlines()) == len(error.mistakes)
        return
    for stream in ("live/film", "x/y", *(f"{app}/film" for app in config.apps)):
        config.stream_settings(stream)
        config.access_settings(stream)
