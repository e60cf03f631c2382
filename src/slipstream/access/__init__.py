"""May they? Keys, and the gate that decides who may publish and who may play."""

from slipstream.access.failures import Failures
from slipstream.access.gate import Gate
from slipstream.access.keys import API_TOKEN_FILE, PUBLISH_KEY_FILE, Keys, load_keys
from slipstream.access.request import Action, Decision, Request
from slipstream.access.settings import AccessSettings
from slipstream.access.tokens import Role, Token, Tokens

__all__ = [
    "API_TOKEN_FILE",
    "PUBLISH_KEY_FILE",
    "AccessSettings",
    "Action",
    "Decision",
    "Failures",
    "Gate",
    "Keys",
    "Request",
    "Role",
    "Token",
    "Tokens",
    "load_keys",
]
