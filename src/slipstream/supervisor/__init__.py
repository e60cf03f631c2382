"""One process that starts workers, watches over them, and replaces them and itself."""

from slipstream.supervisor.serving import serve

__all__ = ["serve"]
