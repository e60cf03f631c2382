"""May they? Keys, and the gate that decides who may publish and who may play."""

from slipstream.access.failures import Failures
from slipstream.access.gate import Gate
from slipstream.access.keys import API_TOKEN_FILE, PUBLISH_KEY_FILE, Keys, load_keys
from slipstream.access.operators import Operator, Operators, Role
from slipstream.access.request import Action, Decision, Request
from slipstream.access.settings import AccessSettings

__all__ = [
    "API_TOKEN_FILE",
    "PUBLISH_KEY_FILE",
    "AccessSettings",
    "Action",
    "Decision",
    "Failures",
    "Gate",
    "Keys",
    "Operator",
    "Operators",
    "Request",
    "Role",
    "load_keys",
]
