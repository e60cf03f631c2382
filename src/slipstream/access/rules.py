"""Rules that look at where a request comes from: addresses, pages that refer, web pages' origins.

They hold before any credential is looked at, and for everybody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from slipstream.access.request import Action, Request
from slipstream.access.settings import NO_REFERER, AccessSettings
from slipstream.access.ways import matches


def refusal_by_rules(request: Request, settings: AccessSettings) -> str:
    """Why this one may not, whatever it shows; empty if no rule says so."""
    if request.action is Action.PUBLISH:
        allow, deny = settings.publish_allow, settings.publish_deny
    else:
        allow, deny = settings.play_allow, settings.play_deny
    if (allow or deny) and not _is_open_to(request.address, tuple(allow), tuple(deny)):
        return "not from this address"
    if request.action is Action.PUBLISH or request.protocol == "rtmp":
        return ""
    # Browsers open WebSockets without a Referer; their origin says from where as well.
    if settings.referers and not _refers(request.page_url or request.origin, settings.referers):
        return "not from this page"
    if settings.origins and request.origin and not _is_from(request.origin, settings.origins):
        return "not from this origin"
    return ""


@lru_cache(maxsize=4096)
def _is_open_to(address: str, allow: tuple[str, ...], deny: tuple[str, ...]) -> bool:
    """Whether an address is in none of the networks `deny`, and in one of `allow` if there are."""
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return False
    if any(number in ipaddress.ip_network(network) for network in deny):
        return False
    return not allow or any(number in ipaddress.ip_network(network) for network in allow)


def _refers(page_url: str, hosts: Sequence[str]) -> bool:
    if not page_url:
        return NO_REFERER in hosts
    try:
        host = urlsplit(page_url).hostname or ""
    except ValueError:
        return False
    return any(matches(pattern.lower(), host) for pattern in hosts)


def _is_from(origin: str, origins: Sequence[str]) -> bool:
    return origin.lower() in (allowed.lower().rstrip("/") for allowed in origins)
