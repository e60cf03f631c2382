"""Slipstream: a live-streaming media server.

A stream is an append-only log, a viewer is an offset in it, and the kernel does the copying.
`docs/architecture.md` tells the whole of it; `app.py` is where the parts are joined.
"""

__version__ = "0.1.0"
