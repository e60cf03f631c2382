"""The operator's side: configuration, log, metrics and the HTTP API."""

from slipstream.control.api import Api
from slipstream.control.configuration.config import Config, Flag, load_config
from slipstream.control.configuration.live import LiveConfig
from slipstream.control.logs.logs import Logs
from slipstream.control.parts import Parts
from slipstream.control.welcome import welcome

__all__ = [
    "Api",
    "Config",
    "Flag",
    "LiveConfig",
    "Logs",
    "Parts",
    "load_config",
    "welcome",
]
