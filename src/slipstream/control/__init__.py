"""The operator's side: configuration, log, metrics and the HTTP API."""

from slipstream.control.api import Api
from slipstream.control.config import Config, Flag, load_config
from slipstream.control.http_app import http_application
from slipstream.control.logs import Logs
from slipstream.control.parts import Parts
from slipstream.control.welcome import welcome

__all__ = [
    "Api",
    "Config",
    "Flag",
    "Logs",
    "Parts",
    "http_application",
    "load_config",
    "welcome",
]
