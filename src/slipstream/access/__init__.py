"""May they? Credentials, and the gate that decides who may publish and who may play."""

from slipstream.access.failures import Failures
from slipstream.access.gate import AskBackend, Gate
from slipstream.access.keys import (
    API_TOKEN_FILE,
    PUBLISH_KEY_FILE,
    SIGNING_KEY_FILE,
    Keys,
    live_secrets,
    load_keys,
)
from slipstream.access.measure import Measure, TooMuch
from slipstream.access.operators import Operators, Role
from slipstream.access.policy import NO_POLICY, Excess, Policy
from slipstream.access.request import NO_GRANT, Action, Decision, Grant, Request
from slipstream.access.settings import AccessSettings
from slipstream.access.store import LiveStore, Store, StoredKey, StoredOperator, StoredUser
from slipstream.access.stream_keys import StreamKeys
from slipstream.access.users import Users

__all__ = [
    "API_TOKEN_FILE",
    "NO_GRANT",
    "NO_POLICY",
    "PUBLISH_KEY_FILE",
    "SIGNING_KEY_FILE",
    "AccessSettings",
    "Action",
    "AskBackend",
    "Decision",
    "Excess",
    "Failures",
    "Gate",
    "Grant",
    "Keys",
    "LiveStore",
    "Measure",
    "Operators",
    "Policy",
    "Request",
    "Role",
    "Store",
    "StoredKey",
    "StoredOperator",
    "StoredUser",
    "StreamKeys",
    "TooMuch",
    "Users",
    "live_secrets",
    "load_keys",
]
