"""The load: publishers and viewers that cost little, and a few viewers that check everything.

Its RTMP and FLV are a second opinion: written from the specifications, importing nothing of
`slipstream`, so that one mistake in both ends of a connection cannot hide itself. Each worker is
a process of its own, bound to the load's core, obeying commands that come through a pipe
(`worker`).
"""
