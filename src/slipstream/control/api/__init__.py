"""The HTTP API: routes in a table, their document, and who may use which.

One file for each resource; `service` joins them, `route` says what a route is.
"""

from slipstream.control.api.route import Call, Route
from slipstream.control.api.service import Api

__all__ = ["Api", "Call", "Route"]
