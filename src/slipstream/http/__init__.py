"""Watching over HTTP: endless responses, WebSockets, snapshots, and who may ask for them.

The library reads requests and writes what is finite; a response without an end takes its socket
over and is pumped like any other viewer.
"""
