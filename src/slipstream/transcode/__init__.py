"""Pictures and sound that the server makes itself: slates, in child processes.

Nothing that decodes or encodes runs in a worker. A child does it, and what it makes comes
back over a pipe as FLV; the worker publishes it as it publishes everything else.
"""
