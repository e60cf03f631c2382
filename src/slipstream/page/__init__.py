"""The page that people see: a list of what is on air, and a player for each stream.

Its sources are TypeScript, in `web/`; what is built of them lies in `built/` and is served from
memory, at addresses that work below any path. What it tells of streams, anybody may know.
"""
