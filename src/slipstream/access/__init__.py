"""May they? Credentials, and the gate that decides who may publish and who may play."""

from slipstream.access.failures import Failures
from slipstream.access.gate import AskBackend, Gate
from slipstream.access.keys import API_TOKEN_FILE, PUBLISH_KEY_FILE, Keys, load_keys
from slipstream.access.policy import NO_POLICY, Excess, Policy
from slipstream.access.request import Action, Decision, Request
from slipstream.access.settings import AccessSettings

__all__ = [
    "API_TOKEN_FILE",
    "NO_POLICY",
    "PUBLISH_KEY_FILE",
    "AccessSettings",
    "Action",
    "AskBackend",
    "Decision",
    "Excess",
    "Failures",
    "Gate",
    "Keys",
    "Policy",
    "Request",
    "load_keys",
]
