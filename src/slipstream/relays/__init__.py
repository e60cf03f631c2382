"""Relays: streams pushed to other servers, and pulled from them.

A push is a viewer of the stream, a pull is a publisher of it; both reach the other server as an
RTMP client. Which there are, the configuration says and the operator at run time.
"""

from slipstream.relays.control import ConflictError, RelayControl
from slipstream.relays.relays import Relays
from slipstream.relays.report import RelayReport
from slipstream.relays.rule import RelayKind, Rule, read_rule
from slipstream.relays.settings import PullSettings, PushSettings, RelaySettings
from slipstream.relays.store import RelayStore, StoreError

__all__ = [
    "ConflictError",
    "PullSettings",
    "PushSettings",
    "RelayControl",
    "RelayKind",
    "RelayReport",
    "RelaySettings",
    "RelayStore",
    "Relays",
    "Rule",
    "StoreError",
    "read_rule",
]
