"""Pictures and sound that the server makes itself: slates and snapshots, in child processes.

Nothing that decodes or encodes runs in a worker. A child does it, and what it makes comes
back over a pipe: a slate as FLV, which the worker publishes as it publishes everything else;
a snapshot as JPEG.
"""
